// All that a program does with one actor.

import { Connection } from "./connection.js";
import { Events } from "./events.js";
import { troupeError } from "./errors.js";
import { push } from "./queue.js";
import { Reference } from "./reference.js";
import { stream } from "./stream.js";
import { checkName } from "./wire.js";

export class Actor extends Reference {
  async push(queue, message, options) {
    checkName(queue);
    return push(this, queue, message, options);
  }

  stream(name, input, options) {
    checkName(name);
    return stream(this, name, input, options);
  }

  async subscribe(event, handle, options) {
    checkName(event);
    const subscription = this.troupe.subscriptions.add(this, event, handle, options);
    try {
      await Promise.race([this.troupe.nc.flush(), subscription.over]); // NATS may be away
      if (subscription.error) throw subscription.error;
    } catch (error) {
      subscription.unsubscribe();
      throw troupeError(error, `${this}.${event}`);
    }
    return subscription;
  }

  async events(event, { limit, signal } = {}) {
    const events = new Events(limit);
    events.subscription = await this.subscribe(event, (payload, position) => events.push({ payload, position }), {
      signal, onGap: ({ missed }) => events.push({ missed }), onEnd: (error) => events.end(error),
    });
    return events;
  }

  async connect(params, options) {
    Object.keys(options?.on ?? {}).forEach(checkName);
    const connection = new Connection(this, params, options);
    await connection.open();
    return connection;
  }
}
