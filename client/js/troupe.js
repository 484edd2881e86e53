// The protocol of docs/protocol.md over a connection of the NATS client for JavaScript, in Node and in browsers.

import { Actor } from "./actor.js";
import { Caller } from "./caller.js";
import { Connections } from "./connection.js";
import { TroupeError } from "./errors.js";
import { Subscriptions } from "./events.js";

export class Troupe extends Caller {
  subscriptions = new Subscriptions(this);
  connections = new Connections(this);
  streams = new Set(); // that are read

  actor(type, ...key) { return new Actor(this, type, key); }

  finish(error) {
    const first = super.finish(error);
    if (first) {
      this.subscriptions.finish(error);
      for (const reading of this.streams) reading.end(error);
    }
    return first;
  }

  leave() { return this.connections.close(); }

  lost() { this.connections.lost(new TroupeError("unavailable", "NATS is away")); }

  again() {
    this.connections.again();
    this.subscriptions.resume();
  }

  drop(error) { this.connections.drop(error); }
}
