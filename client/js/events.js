// Subscriptions: what a client hears of the events of actors, and what it has missed of them.

import { aborted, ensure, handOver, sleep, TroupeError } from "./errors.js";
import { bodyOf, checkPosition, codecs, Order, positionOf } from "./wire.js";

const atOnce = 64; // how many ask for positions after a reconnect

/** The subscriptions of a client. */
export class Subscriptions {
  #troupe;
  #all = new Set();
  #behind = new Set(); // those that do not know what they missed

  constructor(troupe) { this.#troupe = troupe; }

  /**
   * Begins one. What is not for the connection `but` is counted, and not handed on. `onEnd` is told when something else
   * than its own unsubscribe ends it, and why.
   */
  add(actor, event, handle, { onGap = () => {}, onEnd = () => {}, signal, but } = {}) {
    const troupe = this.#troupe;
    troupe.check();
    const subject = `${troupe.namespace}.event.${actor.tokens}.${event}`;
    const order = new Order();
    const tell = (missed) => { if (missed) handOver(onGap, { event, missed }); };
    const sub = troupe.listen(subject, (msg) => {
      const payload = bodyOf(msg, codecs); // what cannot be read is not of a host, and its position means nothing
      const position = positionOf(msg);
      const { fresh, missed } = order.next(subject, position);
      tell(missed);
      if (fresh && (!but || msg.headers?.get("Troupe-Except") !== but)) handOver(handle, payload, position);
    }, (error) => subscription.end(error));
    const abort = () => subscription.end(aborted(signal, `${actor}.${event}`));
    let over;
    const subscription = {
      over: new Promise((resolve) => { over = resolve; }),
      error: undefined, // why it has ended
      // When NATS was away, the next event tells of a gap. If there is none, one has to ask.
      resume: async () => {
        const last = checkPosition(await troupe.calls.make(actor, "_position", event, { timeout: 5000 }));
        setTimeout(() => { if (this.#all.has(subscription)) tell(order.skip(subject, last)); }, 500); // it may be on its way
      },
      end: (error) => {
        if (this.#all.has(subscription)) handOver(onEnd, subscription.error = error);
        subscription.unsubscribe();
      },
      unsubscribe: () => {
        signal?.removeEventListener("abort", abort);
        sub.unsubscribe();
        this.#all.delete(subscription);
        this.#behind.delete(subscription);
        over();
      },
    };
    this.#all.add(subscription);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return subscription;
  }

  finish(error) { for (const subscription of [...this.#all]) subscription.end(error); }

  /** Has all ask what they missed: a few at a time, and not at the moment when all programs do. */
  async resume() {
    const busy = this.#behind.size > 0;
    for (const subscription of this.#all) this.#behind.add(subscription);
    if (busy) return;
    await sleep(Math.random() * Math.min(5 * this.#behind.size, 2000));
    const ask = async () => {
      for (const subscription of this.#behind) {
        this.#behind.delete(subscription);
        await subscription.resume().catch(() => {}); // the next event tells
      }
    };
    await Promise.all(Array.from({ length: atOnce }, ask));
  }
}

/** Events to iterate over. Beyond `limit` the oldest are dropped, and counted among those that were missed. */
export class Events {
  #heard = [];
  #limit;
  #waiting = []; // those who wait for more
  #ended; // what is to be said of the end

  constructor(limit = 1000) {
    ensure(limit > 0, `limit is ${limit}, not a number of events`);
    this.#limit = limit;
  }

  /** Takes what is heard: `{ payload, position }`, or `{ missed }`. */
  push(item) {
    let lost = 0;
    while (this.#heard.length >= this.#limit) lost += this.#heard.shift().missed ?? 1;
    if (lost && this.#heard[0]?.missed) lost += this.#heard.shift().missed;
    if (lost) this.#heard.unshift({ missed: lost });
    this.#heard.push(item);
    this.#wake();
  }

  /** Says that no more come. Without an error, those that wait are not handed out either. */
  end(error) {
    if (!error) this.#heard = [];
    this.#ended ??= error ?? true;
    this.#wake();
  }

  #wake() {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async next() {
    while (this.#heard.length === 0 && !this.#ended) await new Promise((resolve) => { this.#waiting.push(resolve); });
    if (this.#heard.length > 0) return { value: this.#heard.shift(), done: false };
    if (this.#ended instanceof TroupeError) { const error = this.#ended; this.#ended = true; throw error; }
    return { value: undefined, done: true };
  }

  async return() {
    this.unsubscribe();
    return { value: undefined, done: true };
  }

  unsubscribe() {
    this.subscription.unsubscribe();
    this.end();
  }

  [Symbol.asyncIterator]() { return this; }
}
