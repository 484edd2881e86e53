// The protocol of docs/protocol.md over a connection of the NATS client for JavaScript, in Node and in browsers.
//
//   const troupe = new Troupe(await connect({ servers: "nats://127.0.0.1:4222", maxReconnectAttempts: -1 }));
//   const inventory = troupe.actor("inventory", "main");
//   const { reserved } = await inventory.call("reserveStock", 5);

import { createInbox, headers } from "@nats-io/nats-core";
import { Actor } from "./actor.js";
import { bodyOf, checkPosition, errorOf, handOver, isDenied, msgpack, nothing, Order, positionOf, replySubject, troupeError, TroupeError } from "./wire.js";

export { json, msgpack, TroupeError } from "./wire.js";

const utf8 = new TextEncoder();
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sendAgain = ["unavailable", "outcome_unknown"];
const carried = 32_000, callBytes = 4096; // what the bus carries in a ms, and what a call takes besides its input
const atOnce = 64; // how many ask for positions after a reconnect
const tellFor = 15_000; // ms for which hosts, which ping every 5 s, are told of an id that is given up

// warnOnce is what tells of errors unless the program does: of the first one.
function warnOnce() {
  let warned = false;
  return (error) => {
    if (!warned) console.warn(`troupe: ${error.message} (the option onError hears of all such errors)`);
    warned = true;
  };
}

/**
 * Calls actors over a connection `nc` of the NATS client, which stays the caller's. `onError` is told, with a TroupeError,
 * of what has no call to fail: messages that nobody can read, which are dropped, subscriptions that NATS denies, and the
 * end of `nc`.
 */
export class Troupe {
  #last = 0; // number of a call
  #waiting = new Map(); // number -> a call that waits for replies
  #lanes = new Map(); // actor -> the numbers of the calls to it that wait
  #known = new Set(); // types that have answered
  #mute = new Set(); // types whose hosts do not know questions
  #unanswered = 0; // bytes of the calls under way
  #subscriptions = new Set();
  #behind = new Set(); // subscriptions that do not know what they missed
  #connections = new Map(); // by id
  #given = new Map(); // ids of connections that are given up, and whose actors may not know -> when that was first told
  #caller; // our name: what comes before .id. in the reply subjects of calls
  #replies;
  #pings;
  #look;
  #end; // the error of every call from now on
  #closing;

  /**
   * @param {import("@nats-io/nats-core").NatsConnection} nc
   * @param {{ namespace?: string, codec?: typeof msgpack, timeout?: number, inboxPrefix?: string, onError?: (error: TroupeError) => void }} [options]
   *   `timeout` of calls in ms; `inboxPrefix`, if it is not that of `nc`
   */
  constructor(nc, { namespace = "troupe", codec = msgpack, timeout = 30_000, inboxPrefix = nc.options?.inboxPrefix, onError = warnOnce() } = {}) {
    Object.assign(this, { nc, namespace, codec, timeout, onError, inbox: createInbox(inboxPrefix) });
    this.#caller = createInbox(inboxPrefix);
    this.#replies = this.#listen(`${this.#caller}.id.>`,
      (msg) => this.#waiting.get(parseInt(msg.subject.split(".").at(-2), 36))?.receive(msg),
      (error) => this.#finish(error));
    this.#watch();
  }

  /** Refers to an actor. Nothing is sent. @param {string} type @param {...(string | Uint8Array)} key */
  actor(type, ...key) { return new Actor(this, type, key); }

  /** Ends the calls that are under way, which fail as `canceled`, the subscriptions, and the connections with actors. */
  close() {
    this.#closing ??= (async () => {
      this.#finish(new TroupeError("canceled", "the client is closed"));
      await Promise.allSettled([...this.#connections.values()].map((c) => c.close()));
      for (const sub of [this.#replies, this.#pings]) sub?.unsubscribe();
    })();
    return this.#closing;
  }

  // finish fails the calls under way and all later ones.
  #finish(error) {
    if (this.#end) return;
    this.#end = error;
    clearInterval(this.#look);
    for (const call of [...this.#waiting.values()]) call.fail(error);
    for (const subscription of [...this.#subscriptions]) subscription.unsubscribe();
  }

  // listen subscribes. Nothing that arrives can end the connection with NATS.
  #listen(subject, receive, denied = () => {}) {
    const tell = (error) => handOver(this.onError, troupeError(error, subject));
    try {
      return this.nc.subscribe(subject, {
        callback: (error, msg) => {
          if (error) {
            denied(troupeError(error, subject));
            tell(error);
            return;
          }
          try { receive(msg); } catch (unreadable) {
            tell(unreadable instanceof TroupeError ? unreadable : new TroupeError("internal", `${subject}: ${unreadable?.message}`, { cause: unreadable }));
          }
        },
      });
    } catch (error) {
      throw troupeError(error, subject);
    }
  }

  /** Makes a call, and sends it again while that is worth it: see Actor.call. */
  async call(actor, action, input, { timeout = this.timeout, existing, requestId, signal, more = {} } = {}) {
    const last = action === "_disconnect"; // what close itself sends
    if (this.#end && !last) throw this.#end;
    if (!(timeout > 0 && timeout < Infinity)) throw new TroupeError("bad_input", `${actor}.${action}: timeout is ${timeout}, not a number of ms`);
    if (requestId !== undefined && (typeof requestId !== "string" || requestId === "" || utf8.encode(requestId).length > 256)) {
      throw new TroupeError("bad_input", `${actor}.${action}: requestId is not a text of 1 to 256 bytes`);
    }
    const body = this.codec.encode(input);
    const request = this.#begin(actor, action);
    const named = () => { const h = headers(); h.set("Troupe-Call", request.subject); return h; }; // servers may change the other
    const abort = () => {
      request.fail(new TroupeError("canceled", `${actor}.${action}: ${signal.reason?.message ?? "aborted"}`, { cause: signal.reason }));
      if (attempt > 0 && !this.nc.isClosed()) this.nc.publish(`${this.namespace}.call.${actor.tokens}._cancel`, undefined, { reply: request.subject, headers: named() });
    };
    let attempt = 0, open = 0; // how often it was sent, and how many of these nobody has said anything about
    let asked = false; // the last of these was a question: without the input, whether the call has arrived
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    const began = Date.now();
    const send = (way, left, question) => {
      const h = named();
      h.set("Content-Type", this.codec.contentType);
      h.set("Troupe-Timeout", String(left));
      if (existing) h.set("Troupe-Existing", "1");
      if (requestId) h.set("Troupe-Request-Id", requestId);
      if (++attempt > 1) h.set("Troupe-Attempt", attempt + (question ? "?" : ""));
      for (const [name, value] of Object.entries(more)) h.set(name, value);
      if (body.length + 512 > (this.nc.info?.max_payload ?? Infinity)) throw new TroupeError("too_large", `${actor}.${action}: the input has ${body.length} bytes`);
      open++;
      asked = question;
      this.nc.publish(`${this.namespace}.${way}.${actor.tokens}.${action}`, question ? nothing : body, { reply: request.subject, headers: h });
    };
    const weight = body.length + callBytes;
    this.#unanswered += weight;
    // How long to wait for a word: what is asked meanwhile only queues up behind all that was sent.
    const longer = () => Math.min(100 + this.#unanswered / carried, 2000);
    let way = "call", listen = false, pause = 1, silence = longer(), patience = 0, why = "nobody answers";
    let unsure = false; // it may have run, or may yet; so may what is open
    let asking = false, closing = false; // what is sent next is a question; the last was: it calls off a call that still waits
    try {
      for (;;) {
        const left = began + timeout - Date.now();
        if (left <= 0) {
          unsure ||= open > 0;
          throw new TroupeError(unsure ? "outcome_unknown" : "unavailable", `${actor}.${action}: no time left: ${why}`, { retryable: !unsure });
        }
        if (request.error()) throw request.error();
        const word = this.#mute.has(actor.type) ? 0 : Math.min(timeout / 8, longer());
        if (!closing && left <= word && open > 0) {
          closing = true;
          way = "call";
          send(way, 0, true);
        } else if (!closing && !listen) send(way, left, asking);
        const late = Date.now() - began > 120_000; // hosts remember answers for longer, but it must not be sent any more
        const until = closing || left <= word ? left : left - word;
        const reply = await request.next(Math.min(until, closing || late ? until : patience || silence));
        if (request.error()) throw request.error();
        if (!reply) { // its host has died or is frozen: once more directly, and then by the route
          if (patience) way = "call";
          else if (attempt > 1) way = "route";
          silence = patience ? longer() : Math.max(silence, Math.min(silence + 100, 300));
          patience = 0;
          listen = false;
          asking = !this.#mute.has(actor.type);
          continue;
        }
        if (reply.headers?.get("Troupe-Pending")) { // it is at work, and the answer follows
          if (asked) open--;
          unsure = listen = true;
          patience = Math.min(Math.max(2 * patience, 100), 2000);
          continue;
        }
        open--;
        if (reply.headers?.code === 503) { // no responders
          listen = way === "route" && open > 0; // it may be said of an earlier sending
          if (listen) continue;
          if (way === "call") { // the actor sleeps, and the route wakes it
            way = "route";
            attempt--;
            if (closing) send(way, 0, true);
            continue;
          }
          why = `no host on this bus serves the actor type ${actor.type}`;
          if (!this.#known.has(actor.type) && !unsure) throw new TroupeError("unknown_type", `${actor}.${action}: ${why}`);
        } else {
          this.#known.add(actor.type);
          const error = errorOf(reply);
          const strange = asked && error?.code === "bad_input" && error.message.includes("Troupe-Attempt"); // to an old host
          if (strange) this.#mute.add(actor.type);
          if (strange || reply.headers?.get("Troupe-Absent")) { // then the whole call, unless that was sent meanwhile
            listen = !asked;
            asking = false;
            continue;
          }
          if (!error) return bodyOf(reply);
          if (!error.retryable || !sendAgain.includes(error.code)) throw error;
          unsure ||= error.code === "outcome_unknown";
          why = error.message;
        }
        way = "route";
        listen = asking = closing = false;
        patience = 0;
        await sleep(Math.min(pause, left));
        pause = Math.min(2 * pause, 100);
      }
    } catch (error) {
      throw troupeError(error, `${actor}.${action}`);
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#unanswered -= weight;
      request.end();
    }
  }

  // begin makes the reply subject of a call, by which its actor knows the call again: CALLER.id.NUMBER.FLOOR.
  #begin(actor, action) {
    const number = ++this.#last;
    const lane = this.#lanes.get(actor.tokens) ?? new Set();
    this.#lanes.set(actor.tokens, lane.add(number));
    const [floor] = lane; // the lowest, for they ascend
    const replies = [];
    let wake = () => {}, failed;
    const fail = (error) => { failed ??= error; wake(); };
    this.#waiting.set(number, { subject: `${actor.tokens}.${action}`, receive: (msg) => { replies.push(msg); wake(); }, fail });
    return {
      fail,
      error: () => failed,
      subject: replySubject(this.#caller, number, floor),
      next: async (ms) => {
        if (replies.length === 0 && !failed) {
          let timer;
          await new Promise((resolve) => { wake = resolve; timer = setTimeout(resolve, ms); });
          clearTimeout(timer);
        }
        return replies.shift();
      },
      end: () => {
        this.#waiting.delete(number);
        lane.delete(number);
        if (lane.size === 0) this.#lanes.delete(actor.tokens);
      },
    };
  }

  /** Subscribes to an event: see Actor.subscribe. What is not for the connection `but` is counted, and not handed on. */
  follow(actor, event, handle, onGap = () => {}, but) {
    if (this.#end) throw this.#end;
    const subject = `${this.namespace}.event.${actor.tokens}.${event}`;
    const order = new Order();
    const tell = (missed) => { if (missed) handOver(onGap, { event, missed }); };
    const sub = this.#listen(subject, (msg) => {
      const payload = bodyOf(msg); // what cannot be read is not of a host, and its position means nothing
      const position = positionOf(msg);
      const { fresh, missed } = order.next(subject, position);
      tell(missed);
      if (fresh && (!but || msg.headers?.get("Troupe-Except") !== but)) handOver(handle, payload, position);
    }, (error) => { subscription.error = error; subscription.unsubscribe(); });
    const subscription = {
      error: undefined, // why NATS has ended it
      // When NATS was away, the next event tells of a gap. If there is none, one has to ask.
      resume: async () => {
        const last = checkPosition(await this.call(actor, "_position", event, { timeout: 5000 }));
        setTimeout(() => { if (this.#subscriptions.has(subscription)) tell(order.skip(subject, last)); }, 500); // it may be on its way
      },
      unsubscribe: () => {
        sub.unsubscribe();
        this.#subscriptions.delete(subscription);
        this.#behind.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  // resume has the subscriptions ask what they missed: a few at a time, and not at the moment when all programs do.
  async #resume() {
    const busy = this.#behind.size > 0;
    for (const subscription of this.#subscriptions) this.#behind.add(subscription);
    if (busy) return;
    await sleep(Math.random() * Math.min(5 * this.#behind.size, 2000));
    const ask = async () => {
      for (const subscription of this.#behind) {
        this.#behind.delete(subscription);
        await subscription.resume().catch(() => {}); // the next event tells
      }
    };
    await Promise.all(Array.from({ length: atOnce }, ask));
  }

  // ---- What all connections with actors share: an inbox, and somebody who looks after them

  add(connection) {
    if (this.#end) throw this.#end;
    this.#connections.set(connection.id, connection);
    this.#pings ??= this.#listen(`${this.inbox}.>`, (msg) => this.#receive(msg), (error) => {
      for (const c of [...this.#connections.values()]) c.drop(error);
      this.#pings = undefined;
    });
    this.#look ??= setInterval(() => this.#lookAtHosts(), 2000);
  }

  remove(connection, known) {
    this.#connections.delete(connection.id);
    if (known) this.#given.delete(connection.id);
    else this.#giveUp(connection.id);
  }

  #giveUp(id) { if (this.#given.size < 4096 && !this.#given.has(id)) this.#given.set(id, undefined); }

  // answer tells a host which ids are given up. We cannot tell which host it is, so each id is told for a while.
  #answer(ping) {
    const now = Date.now();
    for (const [id, told] of this.#given) {
      if (told && now - told > tellFor) this.#given.delete(id);
      else this.#given.set(id, told ?? now);
    }
    ping.respond(this.#given.size ? msgpack.encode([...this.#given.keys()]) : nothing);
  }

  #receive(msg) {
    const [id, name] = msg.subject.slice(this.inbox.length + 1).split(".");
    if (id === "_ping") this.#answer(msg);
    else if (this.#connections.has(id)) this.#connections.get(id).receive(name, msg);
    else this.#giveUp(id); // its actor is mistaken
  }

  // One actor of each host is asked whether it is there. When it is not, or has moved, all of that host are.
  #lookAtHosts() {
    const hosts = new Map();
    for (const c of this.#connections.values()) {
      if (c.status === "connected") hosts.set(c.host, [...hosts.get(c.host) ?? [], c]);
    }
    for (const [host, [one, ...others]] of hosts) {
      one.again().then((smooth) => { if (!smooth || one.host !== host) others.forEach((c) => c.again()); });
    }
  }

  async #watch() {
    for await (const { type, error } of this.nc.status()) {
      if (type === "error" && isDenied(error) && error.operation === "publish") this.#deny(error);
      for (const c of this.#connections.values()) {
        if (type === "disconnect") c.lost(new TroupeError("unavailable", "NATS is away"));
        if (type === "reconnect") c.again();
      }
      if (type === "reconnect") this.#resume();
    }
    if (this.#end) return;
    const error = new TroupeError("unavailable", "the connection with NATS is closed");
    this.#finish(error);
    for (const c of [...this.#connections.values()]) c.drop(error);
    handOver(this.onError, error);
  }

  // deny fails the calls that NATS does not let through.
  #deny(error) {
    for (const call of [...this.#waiting.values()]) {
      const ways = ["call", "route"].map((way) => `${this.namespace}.${way}.${call.subject}`);
      if (ways.includes(error.subject)) call.fail(troupeError(error, call.subject));
    }
  }
}
