// The protocol of docs/protocol.md over a connection of the NATS client for JavaScript, in Node and in browsers.

import { createInbox } from "@nats-io/nats-core";
import { Actor } from "./actor.js";
import { Calls } from "./calls.js";
import { Connections } from "./connection.js";
import { Subscriptions } from "./events.js";
import { handOver, troupeError, TroupeError } from "./errors.js";
import { msgpack } from "./wire.js";

/** What tells of errors unless the program does: of the first one of each code. */
export function warnOnce() {
  const warned = new Set();
  return (error) => {
    if (!warned.has(error.code)) console.warn(`troupe: ${error.message} (the option onError hears of all such errors)`);
    warned.add(error.code);
  };
}

export class Troupe {
  #end; // the error of every call from now on
  #closing;
  #calls;
  #own; // nc is ours to close

  constructor(nc, { namespace = "troupe", codec = msgpack, timeout = 30_000, inboxPrefix = nc.options?.inboxPrefix, onError = warnOnce(), own } = {}) {
    Object.assign(this, { nc, namespace, codec, timeout, onError });
    this.#own = own;
    this.subscriptions = new Subscriptions(this);
    this.connections = new Connections(this, createInbox(inboxPrefix));
    this.#calls = new Calls(this, createInbox(inboxPrefix));
    this.#watch();
  }

  actor(type, ...key) { return new Actor(this, type, key); }

  close() {
    this.#closing ??= (async () => {
      this.finish(new TroupeError("canceled", "the client is closed"));
      await this.connections.close();
      this.#calls.replies.unsubscribe();
      if (this.#own) await this.nc.close();
    })();
    return this.#closing;
  }

  /** Throws once it is over. */
  check() { if (this.#end) throw this.#end; }

  /** Fails what is under way, and all that comes later. */
  finish(error) {
    if (this.#end) return;
    this.#end = error;
    this.#calls.fail(error);
    this.subscriptions.finish(error);
  }

  /** Subscribes. Nothing that arrives can end the connection with NATS. */
  listen(subject, receive, denied) {
    const tell = (error) => handOver(this.onError, error);
    try {
      return this.nc.subscribe(subject, {
        callback: (error, msg) => {
          if (error) {
            denied(troupeError(error, subject));
            tell(troupeError(error, subject));
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

  /** Makes a call: see Calls.make. What close itself sends goes out, too. */
  async call(actor, action, input, options) {
    if (action !== "_disconnect") this.check();
    return this.#calls.make(actor, action, input, options);
  }

  tell(actor, action, input, options) {
    this.check();
    this.#calls.tell(actor, action, input, options);
  }

  async push(actor, queue, message, options) {
    this.check();
    return this.#calls.push(actor, queue, message, options);
  }

  async #watch() {
    let told = false; // that credentials are not good any more
    for await (const { type, error } of this.nc.status()) {
      if (type === "error" && error.operation === "publish" && !this.#calls.deny(error)) handOver(this.onError, troupeError(error, error.subject)); // of what was told
      if (type === "error" && error.name === "AuthorizationError" && !told) handOver(this.onError, troupeError(error, "NATS"), told = true);
      if (type === "disconnect") this.connections.lost(new TroupeError("unavailable", "NATS is away"));
      if (type === "reconnect") {
        told = false;
        this.connections.again();
        this.subscriptions.resume();
      }
    }
    if (this.#end) return;
    const error = new TroupeError("unavailable", "the connection with NATS is closed");
    this.finish(error);
    this.connections.drop(error);
    handOver(this.onError, error);
  }
}
