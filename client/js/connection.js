// Sessions of a program with actors: see the Connections of docs/protocol.md.

import { aborted, handOver, sleep, TroupeError } from "./errors.js";
import { bodyOf, checkPosition, codecs, msgpack, nothing, Order, positionOf, randomID } from "./wire.js";

const transient = ["unavailable", "outcome_unknown", "deadline_exceeded", "overloaded", "unknown_type"];
const tellFor = 15_000; // ms for which hosts, which ping every 5 s, are told of an id that is given up

/** What all connections of a client share: an inbox, and somebody who looks after them. */
export class Connections {
  #troupe;
  #all = new Map(); // by id
  #given = new Map(); // ids of connections that are given up, and whose actors may not know -> when that was first told
  #pings;
  #look;

  constructor(troupe) {
    this.#troupe = troupe;
    this.inbox = troupe.inbox();
  }

  add(connection) {
    this.#troupe.check();
    this.#all.set(connection.id, connection);
    this.#pings ??= this.#troupe.listen(`${this.inbox}.>`, (msg) => this.#receive(msg), (error) => {
      this.drop(error);
      this.#pings = undefined;
    });
    this.#look ??= setInterval(() => this.#lookAtHosts(), 2000);
  }

  remove(connection, known) {
    this.#all.delete(connection.id);
    if (known) this.#given.delete(connection.id);
    else this.#giveUp(connection.id);
  }

  /** Ends them all, and tells their actors. */
  async close() {
    clearInterval(this.#look);
    await Promise.allSettled([...this.#all.values()].map((c) => c.close()));
    this.#pings?.unsubscribe();
  }

  /** Ends them all without a word to their actors, which NATS cannot reach. */
  drop(error) { for (const c of [...this.#all.values()]) c.end(error, false); }

  lost(error) { for (const c of this.#all.values()) c.lost(error); }

  again() { for (const c of this.#all.values()) c.again(); }

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
    else if (this.#all.has(id)) this.#all.get(id).receive(name, msg);
    else this.#giveUp(id); // its actor is mistaken
  }

  // One actor of each host is asked whether it is there. When it is not, or has moved, all of that host are.
  #lookAtHosts() {
    const hosts = new Map();
    for (const c of this.#all.values()) {
      if (c.status === "connected") hosts.set(c.host, [...hosts.get(c.host) ?? [], c]);
    }
    for (const [host, [one, ...others]] of hosts) {
      one.again().then((smooth) => { if (!smooth || one.host !== host) others.forEach((c) => c.again()); });
    }
  }
}

/** A session with one actor. It comes back by itself, until it is closed on either side. */
export class Connection {
  status = "reconnecting";
  id = randomID();
  #session;
  #subscriptions = [];
  #order = new Order(); // of what is sent to us alone
  #coming; // back
  #abort = () => { this.close(aborted(this.signal, `${this.actor}`)).catch(() => {}); }; // the actor finds out

  constructor(actor, params, { on = {}, onStatus = () => {}, onGap = () => {}, signal } = {}) {
    Object.assign(this, { actor, troupe: actor.troupe, params, on, onStatus, onGap, signal });
  }

  /** Which host has the actor. */
  get host() { return this.#session?.host; }

  async open() {
    try {
      this.troupe.connections.add(this);
      this.signal?.addEventListener("abort", this.#abort);
      for (const [event, handle] of Object.entries(this.on)) {
        this.#subscriptions.push(this.troupe.subscriptions.add(this.actor, event, handle, { onGap: this.onGap, but: this.id }));
      }
      await this.#establish(this.signal);
    } catch (error) {
      this.end(error, false);
      throw error;
    }
  }

  /** Calls an action by the connection. */
  async call(action, input, options) {
    if (this.status === "closed") throw new TroupeError("disconnected", `the connection with ${this.actor} is closed`);
    const look = setTimeout(() => this.again(), 250); // the actor may be on another host
    try {
      return await this.actor.call(action, input, { ...options, more: { "Troupe-Connection": this.id } });
    } finally {
      clearTimeout(look);
    }
  }

  /** Ends the connection. If that cannot be told to the actor, it finds out within 15 s. */
  async close(why = new TroupeError("disconnected", "closed")) {
    if (!this.end(why, false)) return;
    await this.troupe.calls.make(this.actor, "_disconnect", undefined, { existing: true, timeout: 2000, more: { "Troupe-Connection": this.id } });
    this.troupe.connections.remove(this, true);
  }

  // establish asks the actor for the connection. One that it does not know begins anew there.
  async #establish(signal) {
    const more = { "Troupe-Connection": this.id, "Troupe-Inbox": this.troupe.connections.inbox };
    const old = this.#session;
    const session = await this.troupe.calls.make(this.actor, "_connect", this.params, { timeout: 5000, more, signal });
    if (typeof session?.host !== "string") throw new TroupeError("internal", `${this.actor}._connect: no host replied`);
    this.#session = session;
    const anew = old && (old.epoch !== session.epoch || old.number !== session.number);
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
          if (error.fromActor || !transient.includes(error.code)) return this.end(error, true), false;
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

  /** Ends it here, and tells whether it had not. `known`: its actor knows. */
  end(error, known) {
    if (this.status === "closed") return false;
    this.signal?.removeEventListener("abort", this.#abort);
    this.#subscriptions.forEach((s) => s.unsubscribe());
    this.troupe.connections.remove(this, known);
    this.#become("closed", error);
    return true;
  }

  /** Takes what the actor sends to this connection alone. */
  receive(name, msg) {
    if (name === "_closed") { // the actor sleeps or moves, or it has had enough of us
      const { again, reason = "" } = bodyOf(msg, codecs) ?? {};
      const error = new TroupeError("disconnected", reason);
      if (!again) { this.end(error, true); return; }
      this.lost(error);
      this.again();
    } else if (name === "_sent") { // it goes on: the last of each event that was sent
      for (const [event, last] of Object.entries(bodyOf(msg, codecs) ?? {})) { // null when nothing was
        this.#tell(event, this.#order.skip(event, checkPosition(last ?? undefined)));
      }
    } else {
      if (!Object.hasOwn(this.on, name)) return;
      const payload = bodyOf(msg, codecs);
      const position = positionOf(msg);
      const { fresh, missed } = this.#order.next(name, position);
      this.#tell(name, missed);
      if (fresh) handOver(this.on[name], payload, position);
    }
  }

  #tell(event, missed) { if (missed) handOver(this.onGap, { event, missed }); }
}
