// What is on the wire, without a connection: subjects, bodies, errors and the positions of events. See docs/protocol.md.

import { decode, encode } from "@msgpack/msgpack";

/** What a call throws. `code` tells errors apart; with `fromActor` the actor's own code made it for its callers. */
export class TroupeError extends Error {
  constructor(code, message, { metadata = {}, fromActor = false, retryable = false } = {}) {
    super(message);
    Object.assign(this, { name: "TroupeError", code, metadata, fromActor, retryable });
  }
}

// ---- Names, keys and subjects

const isName = (name) => /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name);

/** Refuses what cannot be a type, an action or an event. Those that begin with _ are of the protocol itself. */
export function checkName(name) {
  if (!isName(name)) throw new TroupeError("bad_input", `"${name}" is no name`);
}

const utf8 = new TextEncoder();
const token = (bytes) => bytes.length === 0 ? "=" : Array.from(bytes, (b) => {
  const char = String.fromCharCode(b);
  return /[A-Za-z0-9_-]/.test(char) ? char : "=" + b.toString(16).toUpperCase().padStart(2, "0");
}).join("");

/** An actor's type and key as tokens of a subject. A part of the key is a text or bytes. */
export function tokens(type, key) {
  checkName(type);
  const parts = key.map((part) => {
    if (part instanceof Uint8Array) return part;
    if (typeof part === "string" && part.isWellFormed()) return utf8.encode(part);
    throw new TroupeError("bad_input", `a key of ${type} has a part that is no text`);
  });
  if (parts.length > 16 || parts.reduce((sum, part) => sum + part.length, 0) > 1024) {
    throw new TroupeError("bad_input", `a key of ${type} has more than 16 parts or 1,024 bytes`);
  }
  return [type, ...parts.map(token)].join(".");
}

/** The reply subject of a call, which is its name: of `caller`, the call `number`, who waits for none before `floor`. */
export const replySubject = (caller, number, floor) => `${caller}.id.${number.toString(36)}.${floor.toString(36)}`;

// ---- Bodies

// An integer beyond 2^53 is a BigInt. Smaller ones are numbers, in as many bytes as they need.
function eachNumber(value, f) {
  if (typeof value === "number" || typeof value === "bigint") return f(value);
  if (Array.isArray(value)) return value.map((v) => eachNumber(v, f));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, eachNumber(v, f)]));
}
const widen = (n) => Number.isSafeInteger(n) && (n >= 2 ** 32 || n < -(2 ** 31)) ? BigInt(n) : n;
const narrow = (n) => typeof n === "bigint" && Number.isSafeInteger(Number(n)) ? Number(n) : n;

/** The body of no value. */
export const nothing = new Uint8Array();

/** The two encodings. JSON in JavaScript rounds integers beyond 2^53. */
export const msgpack = {
  contentType: "application/msgpack",
  encode: (value) => value === undefined ? nothing : encode(eachNumber(value, widen), { useBigInt64: true, ignoreUndefined: true }),
  decode: (body) => body.length === 0 ? undefined : eachNumber(decode(body, { useBigInt64: true }), narrow),
};
export const json = {
  contentType: "application/json",
  encode: (value) => value === undefined ? nothing : utf8.encode(JSON.stringify(value)),
  decode: (body) => body.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(body)),
};

/** The encoding that a Content-Type names. */
export function codecFor(contentType) {
  const [type, ...parameters] = (contentType || msgpack.contentType).toLowerCase().split(";").map((part) => part.trim());
  const utf8 = parameters.every((p) => !/^charset\s*(=|$)/.test(p) || /^charset\s*=\s*"?utf-8"?$/.test(p));
  const codec = utf8 && [msgpack, json].find((c) => c.contentType === type);
  if (!codec) throw new TroupeError("bad_input", `nobody can read the content type ${contentType}`);
  return codec;
}

/** What a message carries. */
export const bodyOf = (msg) => codecFor(msg.headers?.get("Content-Type")).decode(msg.data);

/** The error that a reply carries, if it does. */
export function errorOf(reply) {
  const head = (name) => reply.headers?.get(name) ?? "";
  const code = head("Troupe-Error-Code");
  const text = head("Nats-Service-Error");
  if (!code && !text) return undefined;
  if (!isName(code)) return new TroupeError("internal", text); // of a NATS service that is not ours
  let body;
  try { body = bodyOf(reply); } catch { /* the headers say enough */ }
  if (body?.code !== code) body = { message: text.startsWith(code + ": ") ? text.slice(code.length + 2) : text };
  return new TroupeError(code, body.message, {
    metadata: body.metadata ?? {},
    fromActor: head("Troupe-Error-Origin") === "actor",
    retryable: head("Troupe-Retryable") === "1",
  });
}

// ---- Events

/** Follows the positions of events, by subject: which have been heard before, and which were missed. */
export class Order {
  #last = new Map();

  /**
   * Is told of an event. It is not fresh when it, or a later one, has been heard. `missed` is how many were not: Infinity
   * when that cannot be told, as of an actor that was destroyed and created again.
   */
  next(subject, { epoch, sequence, previous = epoch }) {
    const last = this.#last.get(subject);
    if (!epoch) return { fresh: true, missed: 0 }; // it was published by something else than a host
    if (last && !before(last, { epoch, sequence })) return { fresh: false, missed: 0 };
    this.#last.set(subject, { epoch, sequence });
    const more = last ? sequence - last.sequence - 1 : 0;
    return { fresh: true, missed: !last || more === 0 && previous === last.epoch ? 0 : more > 0 ? more : Infinity };
  }

  /** Counts all up to a position as heard. It returns how many had not been. */
  skip(subject, position) {
    const last = this.#last.get(subject);
    if (!position.epoch || last && !before(last, position)) return 0;
    this.#last.set(subject, position);
    return last && position.sequence > last.sequence ? position.sequence - last.sequence : Infinity;
  }
}

const before = (a, b) => a.epoch < b.epoch || a.epoch === b.epoch && a.sequence < b.sequence;

/** The position of an event, EPOCH.SEQUENCE or EPOCH.SEQUENCE.PREVIOUS: without an epoch if it has none. */
export function positionOf(msg) {
  const [epoch, sequence, previous = epoch] = (msg.headers?.get("Troupe-Event") || "0.0").split(".").map(Number);
  return { epoch, sequence, previous };
}

/**
 * Calls a handler. What it throws is an uncaught exception of the program; thrown here, it would end the connection with
 * NATS.
 */
export function handOver(handle, ...args) {
  try { handle(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
}
