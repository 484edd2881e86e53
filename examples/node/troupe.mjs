// The protocol of docs/protocol.md over a connection of the NATS client for JavaScript, in Node and in browsers.
//
//   const troupe = new Troupe(await connect({ servers: "nats://127.0.0.1:4222" }));
//   const inventory = troupe.actor("inventory", "main");
//   const { reserved } = await inventory.call("reserveStock", 5);

import { createInbox, headers } from "@nats-io/nats-core";
import { Connection } from "./connection.mjs";
import { bodyOf, checkName, errorOf, handOver, msgpack, nothing, Order, positionOf, replySubject, tokens, TroupeError } from "./wire.mjs";

export { json, msgpack, TroupeError } from "./wire.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const ofEvery = ["_create", "_sleep", "_destroy"]; // actions that every type has
const sendAgain = ["unavailable", "outcome_unknown"];

/** Calls actors over a connection `nc` of the NATS client, which stays the caller's. */
export class Troupe {
  #last = 0; // number of a call
  #waiting = new Map(); // number -> a call that waits for replies
  #lanes = new Map(); // actor -> the numbers of the calls to it that wait
  #known = new Set(); // types that have answered
  #subscriptions = new Set();
  #connections = new Map(); // by id
  #given = new Set(); // ids of connections that are given up, and whose actors may not know
  #caller = createInbox(); // our name: what comes before .id. in the reply subjects of calls
  #replies;
  #pings;
  #look;

  constructor(nc, { namespace = "troupe", codec = msgpack, timeout = 30_000 } = {}) {
    Object.assign(this, { nc, namespace, codec, timeout, inbox: createInbox() });
    this.#replies = nc.subscribe(`${this.#caller}.id.>`, {
      callback: (_, msg) => this.#waiting.get(parseInt(msg.subject.split(".").at(-2), 36))?.(msg),
    });
    this.#watch();
  }

  /** Refers to an actor. Nothing is sent. */
  actor(type, ...key) { return new Actor(this, type, key); }

  /** Ends the connections with actors, and then itself. */
  async close() {
    clearInterval(this.#look);
    await Promise.allSettled([...this.#connections.values()].map((c) => c.close()));
    for (const sub of [this.#replies, this.#pings]) sub?.unsubscribe();
  }

  /** Makes a call, and sends it again while that is worth it: see Actor.call. */
  async call(actor, action, input, { timeout = this.timeout, existing, requestId, more = {} } = {}) {
    const body = this.codec.encode(input);
    const request = this.#begin(actor);
    const began = Date.now();
    let attempt = 0, open = 0; // how often it was sent, and how many of these nobody has said anything about
    const send = (way) => {
      const h = headers();
      h.set("Content-Type", this.codec.contentType);
      h.set("Troupe-Timeout", String(Math.max(began + timeout - Date.now(), 1)));
      if (existing) h.set("Troupe-Existing", "1");
      if (requestId) h.set("Troupe-Request-Id", requestId);
      if (++attempt > 1) h.set("Troupe-Attempt", String(attempt));
      for (const [name, value] of Object.entries(more)) h.set(name, value);
      open++;
      this.nc.publish(`${this.namespace}.${way}.${actor.tokens}.${action}`, body, { reply: request.subject, headers: h });
    };
    let way = "call", listen = false, pause = 1, silence = 100, patience = 0, why = "nobody answers";
    let unsure = false; // it may have run, or may yet; so may what is open
    try {
      for (;;) {
        const left = began + timeout - Date.now();
        if (left <= 0) {
          unsure ||= open > 0;
          throw new TroupeError(unsure ? "outcome_unknown" : "unavailable", `${actor}.${action}: no time left: ${why}`, { retryable: !unsure });
        }
        if (!listen) send(way);
        const late = Date.now() - began > 120_000; // hosts remember answers for longer, but it must not be sent any more
        const reply = await request.next(Math.min(left, late ? left : patience || silence));
        if (!reply) { // its host has died or is frozen: once more directly, and then by the route
          if (patience) way = "call";
          else if (attempt > 1) way = "route";
          silence = patience ? 100 : Math.min(silence + 100, 300);
          patience = 0;
          listen = false;
          continue;
        }
        if (reply.headers?.get("Troupe-Pending")) { // it is at work, and the answer follows
          unsure = listen = true;
          patience = Math.min(Math.max(2 * patience, 100), 2000);
          continue;
        }
        open--;
        if (reply.headers?.code === 503) { // no responders
          listen = way === "route" && open > 0; // it may be said of an earlier sending
          if (listen) continue;
          if (way === "call") { way = "route"; attempt--; continue; } // the actor sleeps, and the route wakes it
          why = `no host on this bus serves the actor type ${actor.type}`;
          if (!this.#known.has(actor.type) && !unsure) throw new TroupeError("unknown_type", `${actor}.${action}: ${why}`);
        } else {
          this.#known.add(actor.type);
          const error = errorOf(reply);
          if (!error) return bodyOf(reply);
          if (!error.retryable || !sendAgain.includes(error.code)) throw error;
          unsure ||= error.code === "outcome_unknown";
          why = error.message;
        }
        way = "route";
        listen = false;
        patience = 0;
        await sleep(Math.min(pause, left));
        pause = Math.min(2 * pause, 100);
      }
    } finally {
      request.end();
    }
  }

  // begin makes the reply subject of a call, by which its actor knows the call again: CALLER.id.NUMBER.FLOOR.
  #begin(actor) {
    const number = ++this.#last;
    const lane = this.#lanes.get(actor.tokens) ?? new Set();
    this.#lanes.set(actor.tokens, lane.add(number));
    const [floor] = lane; // the lowest, for they ascend
    const replies = [];
    let wake = () => {};
    this.#waiting.set(number, (msg) => { replies.push(msg); wake(); });
    return {
      subject: replySubject(this.#caller, number, floor),
      next: async (ms) => {
        if (replies.length === 0) {
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
    const subject = `${this.namespace}.event.${actor.tokens}.${event}`;
    const order = new Order();
    const tell = (missed) => { if (missed) handOver(onGap, { event, missed }); };
    const sub = this.nc.subscribe(subject, {
      callback: (_, msg) => {
        const position = positionOf(msg);
        const { fresh, missed } = order.next(subject, position);
        tell(missed);
        if (fresh && (!but || msg.headers?.get("Troupe-Except") !== but)) handOver(() => handle(bodyOf(msg), position));
      },
    });
    const subscription = {
      // When NATS was away, the next event tells of a gap. If there is none, one has to ask.
      resume: async () => {
        const last = await this.call(actor, "_position", event, { timeout: 5000 });
        await sleep(500); // it may be on its way
        tell(order.skip(subject, last));
      },
      unsubscribe: () => { sub.unsubscribe(); this.#subscriptions.delete(subscription); },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  // ---- What all connections with actors share: an inbox, and somebody who looks after them

  add(connection) {
    this.#connections.set(connection.id, connection);
    this.#pings ??= this.nc.subscribe(`${this.inbox}.>`, { callback: (_, msg) => this.#receive(msg) });
    this.#look ??= setInterval(() => this.#lookAtHosts(), 2000);
  }

  remove(connection, known) {
    this.#connections.delete(connection.id);
    if (!known) this.#giveUp(connection.id);
  }

  #giveUp(id) { if (this.#given.size < 4096) this.#given.add(id); }

  #receive(msg) {
    const [id, name] = msg.subject.slice(this.inbox.length + 1).split(".");
    if (id === "_ping") msg.respond(this.#given.size ? msgpack.encode([...this.#given]) : nothing);
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
    for await (const { type } of this.nc.status()) {
      for (const c of this.#connections.values()) {
        if (type === "disconnect") c.lost(new TroupeError("unavailable", "NATS is away"));
        if (type === "reconnect") c.again();
      }
      if (type === "reconnect") for (const s of this.#subscriptions) s.resume().catch(() => {}); // the next event tells
    }
  }
}

/** A reference to one actor. */
class Actor {
  constructor(troupe, type, key) { Object.assign(this, { troupe, type, key, tokens: tokens(type, key) }); }

  toString() { return [this.type, ...this.key].join("/"); }

  /**
   * Calls an action and returns its output. Options: `timeout` in ms, `existing` to create no actor, and `requestId`: a
   * call that was made before with the same one is not run again. Throws a TroupeError.
   */
  async call(action, input, options) {
    if (!ofEvery.includes(action)) checkName(action);
    return this.troupe.call(this, action, input, options);
  }

  /** Calls `handle` with each payload of an event, and `onGap` when some were missed. It is in force once it resolves. */
  async subscribe(event, handle, { onGap } = {}) {
    checkName(event);
    const subscription = this.troupe.follow(this, event, handle, onGap);
    await this.troupe.nc.flush();
    return subscription;
  }

  /**
   * Begins a session with the actor. `on` has a handler for each event, for what is broadcast and what is sent to this
   * connection alone; `onStatus` is told "connected", "reconnecting" and "closed", with a reason.
   */
  async connect(params, options) {
    const connection = new Connection(this, params, options);
    await connection.open();
    return connection;
  }
}
