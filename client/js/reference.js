// A reference to one actor that can be called.

import { checkName, tokens } from "./wire.js";

// Actions that every type has.
const ofEvery = /^_(create|sleep|move|destroy|(un)?schedules?|fire|dead|result|workflow\w*)$/;

export class Reference {
  constructor(troupe, type, key) { Object.assign(this, { troupe, type, key, tokens: tokens(type, key) }); }

  toString() { return [this.type, ...this.key].join("/"); }

  async call(action, input, options) {
    if (!ofEvery.test(action)) checkName(action);
    return this.troupe.calls.make(this, action, input, options);
  }

  tell(action, input, options) {
    checkName(action);
    this.troupe.calls.tell(this, action, input, options);
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
}
