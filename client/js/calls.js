// Calls are sent until they are answered or their time is over: see Calls, Retries and Questions of docs/protocol.md.

import { Request } from "./request.js";
import { aborted, ensure, sleep, troupeError, TroupeError } from "./errors.js";
import { bodyOf, checkID, errorOf, msgpack, replySubject } from "./wire.js";

const carried = 32_000, callBytes = 4096; // what the bus carries in a ms, and what a call takes besides its input
const remembered = 120_000; // ms, for which a call may be sent again: hosts remember answers for longer


/** The calls of a client that are under way. */
export class Calls {
  #troupe;
  #caller; // our name: what comes before .id. in the reply subjects of calls
  #last = 0; // number of a call
  #waiting = new Map(); // number -> a call that waits for replies
  #lanes = new Map(); // actor -> the numbers of the calls to it that wait
  #known = new Set(); // types that have answered
  #mute = new Set(); // types whose hosts do not know questions
  #unanswered = 0; // bytes of the calls under way

  constructor(troupe) {
    this.#troupe = troupe;
    this.#caller = troupe.inbox();
    this.replies = troupe.listen(`${this.#caller}.id.>`,
      (msg) => this.#waiting.get(parseInt(msg.subject.split(".").at(-2), 36))?.receive(msg),
      (error) => troupe.finish(error));
  }

  /** Fails the calls under way. */
  fail(error) { for (const call of [...this.#waiting.values()]) call.fail(error); }

  /** Fails the calls that NATS does not let through, and tells whether there are some. */
  deny(error) {
    const denied = [...this.#waiting.values()].filter((call) => call.subjects.has(error.subject));
    for (const call of denied) call.fail(troupeError(error, call.path));
    return denied.length > 0;
  }

  /** Makes a call. `more` are headers of connections. */
  make(actor, action, input, { timeout, existing, requestId, signal, headers, more } = {}) {
    checkID(requestId, `${actor}.${action}: requestId`);
    const fixed = { ...headers, "Troupe-Existing": existing && "1", "Troupe-Request-Id": requestId, ...more };
    return this.carry(actor, action, input, { fixed, timeout, signal }, (request, what, ms) => this.#run(request, actor.type, what, ms));
  }

  /** Publishes a call whose answer nobody waits for. */
  tell(actor, action, input, { timeout = this.#troupe.timeout, existing, headers } = {}) {
    const what = `${actor}.${action}`;
    this.#troupe.check();
    const request = new Request(this.#troupe, `${actor.tokens}.${action}`, undefined, this.#body(what, input), { ...headers, "Troupe-Existing": existing && "1" });
    try { request.send("route", timeout, false); } catch (error) { throw troupeError(error, what); }
  }

  #body(what, input) {
    const body = this.#troupe.codec.encode(input, `${what}: input`);
    if (body.length + 512 > (this.#troupe.nc.info?.max_payload ?? Infinity)) throw new TroupeError("too_large", `${what}: the input has ${body.length} bytes`);
    return body;
  }

  /** Has `run` send a request, until it is answered or given up. What close itself sends goes out, too. */
  async carry(actor, name, input, { fixed, timeout = this.#troupe.timeout, signal }, run) {
    const what = `${actor}.${name}`;
    if (name !== "_disconnect") this.#troupe.check();
    ensure(timeout > 0 && timeout < Infinity, `${what}: timeout is ${timeout}, not a number of ms`);
    const body = this.#body(what, input);
    const request = this.#begin(actor, name, body, fixed);
    const abort = () => {
      request.fail(aborted(signal, what));
      request.cancel(actor);
    };
    const weight = body.length + callBytes;
    this.#unanswered += weight;
    try {
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
      return await run(request, what, timeout);
    } catch (error) {
      throw troupeError(error, what);
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#unanswered -= weight;
      this.#end(request, actor);
    }
  }

  // run sends a call until it is answered, or its time is over.
  async #run(request, type, what, timeout) {
    const began = Date.now();
    const codecs = [this.#troupe.codec, msgpack]; // a reply has that of its call
    // How long to wait for a word: what is asked meanwhile only queues up behind all that was sent.
    const longer = () => Math.min(100 + this.#unanswered / carried, 2000);
    let way = "call", listen = false, pause = 1, silence = longer(), patience = 0, why = "nobody answers";
    let unsure = false; // it may have run, or may yet; so may what is open
    let asking = false, closing = false; // what is sent next is a question; the last was: it calls off a call that still waits
    for (;;) {
      request.check();
      const left = began + timeout - Date.now();
      if (left <= 0) {
        unsure ||= request.open > 0;
        throw new TroupeError(unsure ? "outcome_unknown" : "unavailable", `${what}: no time left: ${why}`, { retryable: !unsure });
      }
      const word = this.#mute.has(type) ? 0 : Math.min(timeout / 8, longer());
      if (!closing && left <= word && request.open > 0) {
        closing = true;
        way = "call";
        request.send(way, 0, true);
      } else if (!closing && !listen) request.send(way, left, asking);
      const until = closing || left <= word ? left : left - word;
      const reply = await request.next(Math.min(until, closing || Date.now() - began > remembered ? until : patience || silence));
      if (!reply) { // its host has died or is frozen: once more directly, and then by the route
        if (patience) way = "call";
        else if (request.attempts > 1) way = "route";
        silence = patience ? longer() : Math.max(silence, Math.min(silence + 100, 300));
        patience = 0;
        listen = false;
        asking = !this.#mute.has(type);
        continue;
      }
      if (reply.headers?.get("Troupe-Pending")) { // it is at work, and the answer follows
        if (request.asked) request.open--;
        unsure = listen = true;
        patience = Math.min(Math.max(2 * patience, 100), 2000);
        continue;
      }
      request.open--;
      if (reply.headers?.code === 503) { // no responders
        listen = way === "route" && request.open > 0; // it may be said of an earlier sending
        if (listen) continue;
        if (way === "call") { // the actor sleeps, and the route wakes it
          way = "route";
          request.attempts--;
          if (closing) request.send(way, 0, true);
          continue;
        }
        why = `no host on this bus serves the actor type ${type}`;
        if (!this.#known.has(type) && !unsure) throw new TroupeError("unknown_type", `${what}: ${why}`);
      } else {
        this.#known.add(type);
        const error = errorOf(reply, codecs);
        const strange = request.asked && error?.code === "bad_input" && error.message.includes("Troupe-Attempt"); // to an old host
        if (strange) this.#mute.add(type);
        if (strange || reply.headers?.get("Troupe-Absent")) { // then the whole call, unless that was sent meanwhile
          listen = !request.asked;
          asking = false;
          continue;
        }
        if (!error) return bodyOf(reply, codecs);
        if (!error.retryable || !["unavailable", "outcome_unknown"].includes(error.code)) throw error;
        unsure ||= error.code === "outcome_unknown";
        why = error.message;
      }
      way = "route";
      listen = asking = closing = false;
      patience = 0;
      await sleep(Math.min(pause, left));
      pause = Math.min(2 * pause, 100);
    }
  }

  // begin names a call, so that its actor knows it again: CALLER.id.NUMBER.FLOOR.
  #begin(actor, action, body, headers) {
    const number = ++this.#last;
    const lane = this.#lanes.get(actor.tokens) ?? new Set();
    this.#lanes.set(actor.tokens, lane.add(number));
    const [floor] = lane; // the lowest, for they ascend
    const request = new Request(this.#troupe, `${actor.tokens}.${action}`, replySubject(this.#caller, number, floor), body, headers);
    request.number = number;
    this.#waiting.set(number, request);
    return request;
  }

  #end({ number }, actor) {
    const lane = this.#lanes.get(actor.tokens);
    this.#waiting.delete(number);
    lane.delete(number);
    if (lane.size === 0) this.#lanes.delete(actor.tokens);
  }
}
