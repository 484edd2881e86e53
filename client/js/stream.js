// Streams: what an actor yields, value by value. See Streams of docs/protocol.md.

import { decodeMulti } from "@msgpack/msgpack";
import { aborted, sleep, TroupeError } from "./errors.js";
import { bodyOf, codecs, errorOf, narrow, nothing } from "./wire.js";

const credit = 256; // how many values may be on their way
const quiet = 8000; // ms without a word, after which the host is lost

// valuesOf are those of a message: in msgpack perhaps several.
function* valuesOf(msg) {
  if (msg.headers?.get("Content-Type")?.includes("json")) yield bodyOf(msg, codecs);
  else for (const value of decodeMulti(msg.data, { useBigInt64: true })) yield narrow(value);
}

class Reading {
  #heard = []; #received = 0; #handled = 0; #told = 0;
  #end; #wake = () => {};

  constructor(troupe, what) { Object.assign(this, { troupe, what, at: Date.now() }); }

  /** Ends it, with an error or without. */
  end(error) {
    this.#end ??= { error };
    this.#wake();
  }

  receive(msg) {
    const dot = msg.reply?.lastIndexOf(".") ?? -1;
    if (dot < 0 || !msg.reply.includes(".stream.")) return; // not of a host
    this.at = Date.now();
    this.name = msg.reply.slice(0, dot);
    if (Number(msg.reply.slice(dot + 1)) !== this.#received + 1) this.end(this.lost("values were lost on the way"));
    else if (msg.headers?.get("Troupe-End")) this.end(errorOf(msg, codecs));
    else if (!msg.headers?.get("Troupe-Alive")) for (const value of valuesOf(msg)) this.#received = this.#heard.push(value) + this.#handled;
    this.#wake();
  }

  lost(why) { return new TroupeError("outcome_unknown", `${this.what}: after ${this.#received} values, ${why}`); }

  async *values() {
    for (;;) {
      if (this.#heard.length > 0) {
        yield this.#heard[0];
        this.#heard.shift();
        if (++this.#handled - this.#told >= credit / 2) this.say(nothing);
      } else if (this.#end) {
        if (this.#end.error) throw this.#end.error;
        return;
      } else {
        await Promise.race([new Promise((resolve) => { this.#wake = resolve; }), sleep(quiet / 4)]);
        if (Date.now() - this.at > quiet) this.end(this.lost("nothing was heard of its host"));
      }
    }
  }

  /** Tells the host what is handled; with "-" that nobody wants more. */
  say(body) {
    this.#told = this.#handled;
    if (this.name && !(body === "-" && this.#end) && !this.troupe.nc.isClosed()) this.troupe.nc.publish(`${this.name}.${this.#handled}`, body);
  }
}

/** Opens a stream. Nothing is sent before the first value is asked for. */
export async function* stream(actor, name, input, { signal, ...options } = {}) {
  const { troupe } = actor, inbox = troupe.inbox();
  const reading = new Reading(troupe, `${actor}.${name}`);
  const sub = troupe.listen(inbox, (msg) => reading.receive(msg), (error) => reading.end(error));
  const abort = () => { reading.say("-"); reading.end(aborted(signal, reading.what)); };
  troupe.streams.add(reading);
  signal?.addEventListener("abort", abort);
  try {
    reading.name = await troupe.calls.make(actor, name, input, {
      ...options, signal, more: { "Troupe-Inbox": inbox, "Troupe-Credit": `${credit}` },
    });
    yield* reading.values();
  } finally {
    reading.say("-");
    signal?.removeEventListener("abort", abort);
    troupe.streams.delete(reading);
    sub.unsubscribe();
  }
}
