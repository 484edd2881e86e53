// What is on the wire, without a connection: names, bodies, errors and the positions of events. See docs/protocol.md.

import { decode, encode } from "@msgpack/msgpack";
import { ensure, troupeError, TroupeError } from "./errors.js";

const utf8 = new TextEncoder();

// ---- Names, keys and subjects

const isName = (name) => typeof name === "string" && /^[a-z][\w-]{0,63}$/i.test(name);

/** Refuses what cannot be a type, an action or an event. Those that begin with _ are of the protocol itself. */
export const checkName = (name) => ensure(isName(name), `"${String(name)}" is no name`);

const latin1 = (bytes) => Array.from(bytes, (b) => String.fromCharCode(b)).join("");
const hex = (char) => char.charCodeAt().toString(16).padStart(2, "0");

const token = (bytes) => latin1(bytes).replace(/[^\w-]/g, (char) => "=" + hex(char).toUpperCase()) || "=";

/** An actor's type and key as tokens of a subject. A part of the key is a text or bytes. */
export function tokens(type, key) {
  checkName(type);
  const parts = key.map((part) => {
    if (part instanceof Uint8Array) return part;
    ensure(typeof part === "string" && part.isWellFormed(), `a key of ${type} has a part that is no text`);
    return utf8.encode(part);
  });
  ensure(parts.length <= 16 && parts.reduce((sum, part) => sum + part.length, 0) <= 1024, `a key of ${type} has more than 16 parts or 1,024 bytes`);
  return [type, ...parts.map(token)].join(".");
}

/** The reply subject of a call, which is its name: of `caller`, the call `number`, who waits for none before `floor`. */
export const replySubject = (caller, number, floor) => `${caller}.id.${number.toString(36)}.${floor.toString(36)}`;

/**
 * Refuses what cannot be the id of a request or of a message, if there is one. NATS takes white space off the ends of headers, and half
 * a surrogate pair has no bytes of its own: of two ids one would become.
 */
export const checkID = (id, what) => ensure(id === undefined || typeof id === "string" && /^(?!\s)[^\p{Cc}\p{Cs}]+(?<!\s)$/u.test(id) && utf8.encode(id).length <= 256,
  `${what} is no text of 1 to 256 bytes, in one line, without spaces around`);

/** An id that nobody can guess, spelt like a name. */
export const randomID = () => "c" + Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// ---- Bodies

// An integer beyond 2^53 is a BigInt. Smaller ones are numbers, in as many bytes as they need.
const widen = (n) => Number.isSafeInteger(n) && (n >= 2 ** 32 || n < -(2 ** 31)) ? BigInt(n) : n;
export function narrow(value) {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(narrow);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, narrow(v)]));
}

const maxDepth = 100;

// outgoing copies a value for an encoder, which knows `number` and `bytes`. It refuses what would arrive as something
// else, and says where that is.
function outgoing(value, to, path, depth = 1) {
  const check = (good, why) => ensure(good, `${path.length > 300 ? path.slice(0, 300) + "…" : path}: ${why} cannot be sent`);
  const inner = (v, name) => outgoing(v, to, path + name, depth + 1);
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  check(depth <= maxDepth, `a cycle, or what has more than ${maxDepth} levels,`);
  switch (typeof value) {
    case "number": case "bigint": return to.number(value, check);
    case "string": check(value.isWellFormed(), "half a surrogate pair"); // falls through
    case "boolean": case "undefined": return value;
    case "function": case "symbol": check(false, `a ${kind}`);
  }
  if (value === null) return value;
  if (Array.isArray(value)) return Array.from(value, (v, i) => inner(v, `[${i}]`));
  if (kind === "Date") { check(!Number.isNaN(value.getTime()), "an invalid Date"); return value; }
  if (kind === "Uint8Array") return to.bytes(value);
  if (kind === "ArrayBuffer") return to.bytes(new Uint8Array(value));
  if (typeof value.toJSON === "function") return inner(value.toJSON(), "");
  check(kind === "Object", `a ${kind}`);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => {
    check(k !== "__proto__", `the key ${k}`);
    return [inner(k, `.${k}`), inner(v, `.${k}`)];
  }));
}

const forMsgpack = {
  number: (n, check) => { check(typeof n !== "bigint" || n >= -(2n ** 63n) && n < 2n ** 64n, `${n}, of more than 64 bits,`); return widen(n); },
  bytes: (bytes) => bytes,
};
const forJSON = {
  number: (n, check) => { check(Number.isFinite(n), `in JSON the ${typeof n} ${n}`); return n; },
  bytes: (bytes) => btoa(latin1(bytes)), // as in Go
};

// parse reads JSON. The key __proto__ is an error, as it is in msgpack: whoever copied it would change a prototype.
const parse = (text) => JSON.parse(text, /__proto__|\\u/.test(text) ? (key, value) => { ensure(key !== "__proto__", "the key __proto__"); return value; } : undefined);

/** The body of no value. */
export const nothing = new Uint8Array();

// encoder makes the function encode of an encoding. What a getter or toJSON throws is the value's fault.
const encoder = (write, to) => (value, path = "value") => {
  if (value === undefined) return nothing;
  try { return write(outgoing(value, to, path)); } catch (error) { throw troupeError(error, path, "bad_input"); }
};

/** How msgpack is read. An object has keys that are texts: of an integer, perhaps one of 64 bits, its digits. */
export const decoding = { useBigInt64: true, mapKeyConverter: (key) => { ensure(typeof key !== "object", "a key is no text"); return `${key}`; } };

/** The two encodings. JSON in JavaScript rounds integers beyond 2^53. */
export const msgpack = {
  contentType: "application/msgpack",
  encode: /* @__PURE__ */ encoder((value) => encode(value, { useBigInt64: true, ignoreUndefined: true, maxDepth: maxDepth + 1 }), forMsgpack),
  decode: (body) => body.length === 0 ? undefined : narrow(decode(body, decoding)),
};
export const json = {
  contentType: "application/json",
  encode: /* @__PURE__ */ encoder((value) => utf8.encode(JSON.stringify(value)), forJSON),
  decode: (body) => body.length === 0 ? undefined : parse(new TextDecoder().decode(body)),
};

export const codecs = [msgpack, json];

/** The encoding that a Content-Type names, of those that are known. */
export function codecFor(contentType, known) {
  const type = (contentType || msgpack.contentType).toLowerCase();
  const codec = known.find((c) => c.contentType === type.split(";")[0].trim());
  ensure(codec && !/;\s*charset\b(?!\s*=\s*("?)utf-8\1\s*(;|$))/.test(type), `nobody can read the content type ${contentType}`);
  return codec;
}

/** What a message carries, in one of the encodings that are known. It throws a TroupeError if nobody can read that. */
export function bodyOf(msg, known) {
  const codec = codecFor(msg.headers?.get("Content-Type"), known);
  try {
    return codec.decode(msg.data);
  } catch (error) {
    throw new TroupeError("internal", `${msg.subject}: not ${codec.contentType}: ${error.message}`, { cause: error });
  }
}

/** The error that a reply carries, if it does. */
export function errorOf(reply, known) {
  const head = (name) => reply.headers?.get(name) ?? "";
  const code = head("Troupe-Error-Code");
  const text = head("Nats-Service-Error");
  if (!code && !text) return undefined;
  if (!isName(code)) return new TroupeError("internal", text); // of a NATS service that is not ours
  let body;
  try { body = bodyOf(reply, known); } catch { /* the headers say enough */ }
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

/** A position, or that of no event if it is something else. */
export function checkPosition({ epoch, sequence, previous = epoch } = {}) {
  const valid = [epoch, sequence, previous].every((n) => Number.isSafeInteger(n) && n >= 0);
  return valid ? { epoch, sequence, previous } : { epoch: 0, sequence: 0, previous: 0 };
}

/** The position of an event, EPOCH.SEQUENCE or EPOCH.SEQUENCE.PREVIOUS: without an epoch if it has none. */
export function positionOf(msg) {
  const [epoch, sequence, previous] = (msg.headers?.get("Troupe-Event") || "0.0").split(".").map(Number);
  return checkPosition({ epoch, sequence, previous });
}
