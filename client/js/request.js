// One call on its way: what is sent for it, and what comes back.

import { headers } from "@nats-io/nats-core";
import { ensure } from "./errors.js";
import { nothing } from "./wire.js";

export class Request {
  attempts = 0; // how often it was sent, but for sendings that nobody was there to hear
  open = 0; // how many sendings nobody has said anything about
  asked = false; // the last was a question: without the input, whether the call has arrived
  subjects = new Set(); // on which it was published
  #replies = []; #failed; #wake = () => {};

  /** `path` is that of the action behind the way, `reply` the name of the call, `fixed` what headers each sending has. */
  constructor(troupe, path, reply, body, fixed) { Object.assign(this, { troupe, path, reply, body, fixed }); }

  publish(way, body = this.body, more) {
    const subject = `${this.troupe.namespace}.${way}`;
    const h = headers();
    for (const [name, value] of Object.entries({ ...this.fixed, ...more, "Content-Type": this.troupe.codec.contentType })) {
      ensure(!value || typeof value === "string", `${name} is no text`);
      if (value) h.set(name, value);
    }
    this.subjects.add(subject);
    this.troupe.nc.publish(subject, body, { reply: this.reply, headers: h });
  }

  /** Sends the call, or asks whether it has arrived; with `left`, the ms that it has, 0 that also says that its time is over. */
  send(way, left, question) {
    this.open++;
    this.asked = question;
    this.publish(`${way}.${this.path}`, question ? nothing : this.body, {
      "Troupe-Call": this.reply, // servers may change the reply subject
      "Troupe-Timeout": `${Math.ceil(left)}`, "Troupe-Attempt": ++this.attempts > 1 && this.attempts + (question ? "?" : ""),
    });
  }

  /** Calls it off, if it was sent. */
  cancel(actor) {
    if (this.attempts > 0 && !this.troupe.nc.isClosed()) this.publish(`call.${actor.tokens}._cancel`, nothing, { "Troupe-Call": this.reply });
  }

  receive(msg) {
    this.#replies.push(msg);
    this.#wake();
  }

  /** Has the next look at it, and those behind, fail. */
  fail(error) {
    this.#failed ??= error;
    this.#wake();
  }

  check() { if (this.#failed) throw this.#failed; }

  /** The next reply, or undefined if none comes within so many ms. */
  async next(ms) {
    if (this.#replies.length === 0 && !this.#failed) {
      let timer;
      await new Promise((resolve) => { this.#wake = resolve; timer = setTimeout(resolve, ms); });
      clearTimeout(timer);
    }
    this.check();
    return this.#replies.shift();
  }
}
