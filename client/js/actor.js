// A reference to one actor, and what a program does with it.

import { Connection } from "./connection.js";
import { checkName, tokens, troupeError } from "./wire.js";

// Actions that every type has.
const ofEvery = [
  "_create", "_sleep", "_destroy", "_schedule", "_unschedule", "_schedules", "_fire",
  "_result", "_workflow", "_workflow_cancel", "_workflow_retry",
];

/** A reference to one actor. */
export class Actor {
  constructor(troupe, type, key) { Object.assign(this, { troupe, type, key, tokens: tokens(type, key) }); }

  toString() { return [this.type, ...this.key].join("/"); }

  /**
   * Calls an action and returns its output. A call that was made before with the same `requestId` is not run again. Throws
   * a TroupeError, or a TypeError of an input that cannot be sent.
   * @param {string} action
   * @param {unknown} [input]
   * @param {{ timeout?: number, existing?: boolean, requestId?: string, signal?: AbortSignal }} [options] `timeout` in ms;
   *   `existing` to create no actor; `signal` to give the call up: it does not run if it still waits for its turn, and may otherwise
   * @returns {Promise<any>}
   */
  async call(action, input, options) {
    if (!ofEvery.includes(action)) checkName(action);
    return this.troupe.call(this, action, input, options);
  }

  /**
   * Waits until the actor's workflow is over, and returns what it has given. Throws its error. A workflow is started by a call of
   * the action with its name, and sent signals by calls of theirs.
   * @param {string} workflow
   * @param {{ signal?: AbortSignal }} [options] `signal` to wait no longer
   * @returns {Promise<any>}
   */
  async result(workflow, options) {
    for (;;) {
      try {
        return await this.call("_result", workflow, { ...options, existing: true });
      } catch (error) {
        if (error.code !== "unfinished") throw error;
      }
    }
  }

  /**
   * Calls `handle` with each payload of an event, and `onGap` when some were missed. It is in force once it resolves. What
   * a handler throws is an uncaught exception of the program.
   * @param {string} event
   * @param {(payload: any, position: { epoch: number, sequence: number }) => void} handle
   * @param {{ onGap?: (gap: { event: string, missed: number }) => void }} [options]
   * @returns {Promise<{ unsubscribe(): void }>}
   */
  async subscribe(event, handle, { onGap } = {}) {
    checkName(event);
    const subscription = this.troupe.follow(this, event, handle, onGap);
    try {
      await this.troupe.nc.flush();
      if (subscription.error) throw subscription.error;
    } catch (error) {
      subscription.unsubscribe();
      throw troupeError(error, `${this}.${event}`);
    }
    return subscription;
  }

  /**
   * Begins a session with the actor. `on` has a handler for each event, for what is broadcast and what is sent to this
   * connection alone; `onStatus` is told "connected", "reconnecting" and "closed", with a reason.
   * @param {unknown} [params]
   * @param {{ on?: Record<string, (payload: any, position: { epoch: number, sequence: number }) => void>,
   *   onStatus?: (status: "connected" | "reconnecting" | "closed", reason?: TroupeError) => void,
   *   onGap?: (gap: { event: string, missed: number }) => void }} [options]
   */
  async connect(params, options) {
    Object.keys(options?.on ?? {}).forEach(checkName);
    const connection = new Connection(this, params, options);
    await connection.open();
    return connection;
  }
}
