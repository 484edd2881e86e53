// A reference to one actor, and what a program does with it.

import { Connection } from "./connection.js";
import { Events } from "./events.js";
import { troupeError } from "./errors.js";
import { checkName, tokens } from "./wire.js";

// Actions that every type has.
const ofEvery = /^_(create|sleep|destroy|schedules?|unschedule|fire|dead|result|workflow(_cancel|_retry)?)$/;

export class Actor {
  constructor(troupe, type, key) { Object.assign(this, { troupe, type, key, tokens: tokens(type, key) }); }

  toString() { return [this.type, ...this.key].join("/"); }

  async call(action, input, options) {
    if (!ofEvery.test(action)) checkName(action);
    return this.troupe.call(this, action, input, options);
  }

  tell(action, input, options) {
    checkName(action);
    this.troupe.tell(this, action, input, options);
  }

  async push(queue, message, options) {
    checkName(queue);
    return this.troupe.push(this, queue, message, options);
  }

  async result(workflow, options) {
    for (;;) {
      try {
        return await this.call("_result", workflow, { ...options, existing: true });
      } catch (error) {
        if (error.code !== "unfinished") throw error;
      }
    }
  }

  async subscribe(event, handle, options) {
    checkName(event);
    const subscription = this.troupe.subscriptions.add(this, event, handle, options);
    try {
      await this.troupe.nc.flush();
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
