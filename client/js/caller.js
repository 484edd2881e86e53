// A client that calls actors, and does no more: what a page pays for that has no use for events, connections and queues.

import { createInbox } from "@nats-io/nats-core";
import { Calls } from "./calls.js";
import { dial } from "./connect.js";
import { handOver, troupeError, TroupeError, warnOnce } from "./errors.js";
import { Reference } from "./reference.js";
import { msgpack } from "./wire.js";

export { TroupeError } from "./errors.js";
export { json, msgpack } from "./wire.js";

export const connect = (options) => dial(Caller, options);

// A class that does more may have leave, lost, again and drop: the client is closed, NATS is away, it is back, it does not come back.
export class Caller {
  #end; // the error of every call from now on
  #closing;
  #own; // nc is ours to close

  constructor(nc, { namespace = "troupe", codec = msgpack, timeout = 30_000, inboxPrefix = nc.options?.inboxPrefix, onError = warnOnce(), own } = {}) {
    Object.assign(this, { nc, namespace, codec, timeout, onError, inbox: () => createInbox(inboxPrefix) });
    this.#own = own;
    this.calls = new Calls(this);
    this.#watch();
  }

  actor(type, ...key) { return new Reference(this, type, key); }

  close() { return this.#closing ??= this.#close(); }

  async #close() {
    this.finish(new TroupeError("canceled", "the client is closed"));
    await this.leave?.();
    this.calls.replies.unsubscribe();
    if (this.#own) await this.nc.close();
  }

  /** Throws once it is over. */
  check() { if (this.#end) throw this.#end; }

  /** Fails what is under way, and all that comes later. It tells whether it was not over before. */
  finish(error) {
    if (this.#end) return false;
    this.#end = error;
    this.calls.fail(error);
    return true;
  }

  /** Tells the program of an error that no call can tell, and returns that. */
  tell(error, what, code) {
    const told = troupeError(error, what, code);
    handOver(this.onError, told);
    return told;
  }

  /** Subscribes. Nothing that arrives can end the connection with NATS. */
  listen(subject, receive, denied) {
    try {
      return this.nc.subscribe(subject, {
        callback: (error, msg) => {
          if (error) denied(this.tell(error, subject));
          else try { receive(msg); } catch (unreadable) { this.tell(unreadable, subject, "internal"); }
        },
      });
    } catch (error) {
      throw troupeError(error, subject);
    }
  }

  async #watch() {
    let told = false; // that credentials are not good any more
    for await (const { type, error } of this.nc.status()) {
      if (type === "error" && error.operation === "publish" && !this.calls.deny(error)) this.tell(error, error.subject); // of what was told
      if (type === "error" && error.name === "AuthorizationError" && !told) this.tell(error, "NATS"), told = true;
      if (type === "disconnect") this.lost?.();
      if (type === "reconnect") {
        told = false;
        this.again?.();
      }
    }
    const error = new TroupeError("unavailable", "the connection with NATS is closed");
    if (!this.finish(error)) return;
    this.drop?.(error);
    this.tell(error);
  }
}
