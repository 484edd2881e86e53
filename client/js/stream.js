// Streams: what an actor yields, value by value. See Streams of docs/protocol.md.

import { decodeMulti } from "@msgpack/msgpack";
import { aborted, TroupeError } from "./errors.js";
import { bodyOf, codecFor, codecs, decoding, errorOf, msgpack, narrow, nothing } from "./wire.js";

const credit = 256, most = 512 << 10; // how many values may be on their way; how many bytes are handled before the host is told
const often = 2000, quiet = 8000; // ms: how often a slow reader says how far it is; without a word, after which the host is lost

// valuesOf are those of a message: in msgpack perhaps several.
const valuesOf = (msg) => codecFor(msg.headers?.get("Content-Type"), codecs) === msgpack
  ? Array.from(decodeMulti(msg.data, decoding), narrow) : [bodyOf(msg, codecs)];

class Reading {
  #early = []; #heard = []; #received = 0; #handled = 0; #told = 0; #untold = 0;
  #end; #wake = () => {};

  constructor(troupe, what) { Object.assign(this, { troupe, what, at: Date.now() }); }

  /** Ends it behind what was received, with an error or without. */
  end(error) {
    this.#end ??= { error };
    this.#wake();
  }

  /** Ends it at once. */
  drop(error) {
    this.say("-");
    this.#heard = [];
    this.end(error);
  }

  /** Begins, with the name that the stream has. Some of it may be there already. */
  begin(name) {
    this.name = name;
    this.at = Date.now();
    this.timer = setInterval(() => this.#look(), often);
    for (const msg of this.#early.splice(0)) this.receive(msg);
  }

  receive(msg) {
    if (!this.name) { this.#early.push(msg); return; }
    if (this.#end || !msg.reply?.startsWith(`${this.name}.`)) return; // not of its host
    this.at = Date.now();
    if (Number(msg.reply.slice(this.name.length + 1)) !== this.#received + 1) this.end(this.#lost("values were lost on the way"));
    else if (msg.headers?.get("Troupe-End")) this.end(errorOf(msg, codecs));
    else if (!msg.headers?.get("Troupe-Alive")) this.#take(msg);
    this.#wake();
  }

  #take(msg) {
    let values = [];
    try {
      values = valuesOf(msg);
    } catch (error) {
      this.say("-");
      this.end(new TroupeError("internal", `${this.what}: a value: ${error.message}`, { cause: error }));
    }
    for (const value of values) this.#heard.push({ value, size: msg.data.length / values.length });
    this.#received += values.length;
  }

  #look() {
    if (this.#received > this.#told) this.say(nothing);
    else if (Date.now() - this.at > quiet) this.end(this.#lost("nothing was heard of its host"));
  }

  #lost(why) { return new TroupeError("outcome_unknown", `${this.what}: after ${this.#received} values, ${why}`); }

  async *values() {
    for (;;) {
      if (this.#heard.length > 0) {
        const { value, size } = this.#heard.shift();
        yield value;
        this.#handled++;
        this.#untold += size;
        if (this.#handled - this.#told >= credit / 2 || this.#untold >= most) this.say(nothing);
      } else if (this.#end) {
        if (this.#end.error) throw this.#end.error;
        return;
      } else {
        await new Promise((resolve) => { this.#wake = resolve; });
      }
    }
  }

  /** Tells the host what is handled; with "-" that nobody wants more. */
  say(body) {
    if (!this.name || body === "-" && this.#end || this.troupe.nc.isClosed()) return;
    this.#told = this.#handled;
    this.#untold = 0;
    this.troupe.nc.publish(`${this.name}.${this.#handled}`, body);
  }
}

/** Opens a stream. Nothing is sent before the first value is asked for. */
export async function* stream(actor, name, input, { signal, ...options } = {}) {
  const { troupe } = actor, inbox = troupe.inbox();
  troupe.check();
  const reading = new Reading(troupe, `${actor}.${name}`);
  const sub = troupe.listen(inbox, (msg) => reading.receive(msg), (error) => reading.end(error));
  const abort = () => reading.drop(aborted(signal, reading.what));
  troupe.streams.add(reading);
  signal?.addEventListener("abort", abort);
  try {
    reading.begin(await troupe.calls.make(actor, name, input, {
      ...options, signal, more: { "Troupe-Inbox": inbox, "Troupe-Credit": `${credit}` },
    }));
    yield* reading.values();
  } finally {
    reading.say("-");
    clearInterval(reading.timer);
    signal?.removeEventListener("abort", abort);
    troupe.streams.delete(reading);
    sub.unsubscribe();
  }
}
