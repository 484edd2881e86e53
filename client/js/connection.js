// A session of a program with one actor: see the Connections of docs/protocol.md.

import { bodyOf, checkPosition, handOver, Order, positionOf, TroupeError } from "./wire.js";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const transient = ["unavailable", "outcome_unknown", "deadline_exceeded", "overloaded", "unknown_type"];

/** A session with one actor. It comes back by itself, until it is closed on either side. */
export class Connection {
  status = "reconnecting";
  id = "c" + Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  #session;
  #subscriptions = [];
  #order = new Order(); // of what is sent to us alone
  #coming; // back

  constructor(actor, params, { on = {}, onStatus = () => {}, onGap = () => {} } = {}) {
    Object.assign(this, { actor, troupe: actor.troupe, params, on, onStatus, onGap });
  }

  /** Which host has the actor. */
  get host() { return this.#session?.host; }

  async open() {
    try {
      this.troupe.add(this);
      for (const [event, handle] of Object.entries(this.on)) {
        this.#subscriptions.push(this.troupe.follow(this.actor, event, handle, this.onGap, this.id));
      }
      await this.#establish();
    } catch (error) {
      this.#end(error, false);
      throw error;
    }
  }

  /** Calls an action by the connection. */
  async call(action, input, options) {
    if (this.status === "closed") throw new TroupeError("disconnected", `the connection with ${this.actor} is closed`);
    const look = setTimeout(() => this.again(), 250); // the actor may be on another host
    try {
      return await this.troupe.call(this.actor, action, input, { ...options, more: { "Troupe-Connection": this.id } });
    } finally {
      clearTimeout(look);
    }
  }

  /** Ends the connection. If that cannot be told to the actor, it finds out within 15 s. */
  async close() {
    if (!this.#end(new TroupeError("disconnected", "closed"), false)) return;
    await this.troupe.call(this.actor, "_disconnect", undefined, { existing: true, timeout: 2000, more: { "Troupe-Connection": this.id } });
    this.troupe.remove(this, true);
  }

  // establish asks the actor for the connection. One that it does not know begins anew there.
  async #establish() {
    const more = { "Troupe-Connection": this.id, "Troupe-Inbox": this.troupe.inbox };
    const old = this.#session;
    const session = await this.troupe.call(this.actor, "_connect", this.params, { timeout: 5000, more });
    if (typeof session?.host !== "string") throw new TroupeError("internal", `${this.actor}._connect: no host replied`);
    this.#session = session;
    const anew = old && (old.epoch !== this.#session.epoch || old.number !== this.#session.number);
    if (anew) this.lost(new TroupeError("disconnected", "the actor has begun the connection anew"));
    this.#become("connected");
  }

  /** Asks for the connection until it is there. It resolves to whether that has worked at once. */
  again() {
    this.#coming ??= (async () => {
      for (let wait = 100, smooth = true; ; smooth = false, wait = Math.min(2 * wait, 5000)) {
        if (this.status === "closed") return false;
        try {
          await this.#establish();
          return smooth;
        } catch (error) {
          if (error.fromActor || !transient.includes(error.code)) return this.#end(error, true), false;
          this.lost(error);
        }
        await sleep(wait);
      }
    })().finally(() => { this.#coming = undefined; });
    return this.#coming;
  }

  lost(error) { if (this.status === "connected") this.#become("reconnecting", error); }

  #become(status, error) {
    if (this.status === "closed" || this.status === status) return;
    this.status = status;
    handOver(this.onStatus, status, error);
  }

  /** Ends the connection without a word to its actor, which NATS cannot reach. */
  drop(error) { this.#end(error, false); }

  #end(error, known) {
    if (this.status === "closed") return false;
    this.#subscriptions.forEach((s) => s.unsubscribe());
    this.troupe.remove(this, known);
    this.#become("closed", error);
    return true;
  }

  // receive takes what the actor sends to this connection alone.
  receive(name, msg) {
    if (name === "_closed") { // the actor sleeps or moves, or it has had enough of us
      const { again, reason = "" } = bodyOf(msg) ?? {};
      const error = new TroupeError("disconnected", reason);
      if (!again) { this.#end(error, true); return; }
      this.lost(error);
      this.again();
    } else if (name === "_sent") { // it goes on: the last of each event that was sent
      for (const [event, last] of Object.entries(bodyOf(msg) ?? {})) { // null when nothing was
        this.#tell(event, this.#order.skip(event, checkPosition(last ?? undefined)));
      }
    } else {
      if (!Object.hasOwn(this.on, name)) return;
      const payload = bodyOf(msg);
      const position = positionOf(msg);
      const { fresh, missed } = this.#order.next(name, position);
      this.#tell(name, missed);
      if (fresh) handOver(this.on[name], payload, position);
    }
  }

  #tell(event, missed) { if (missed) handOver(this.onGap, { event, missed }); }
}
