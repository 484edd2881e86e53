// What is on the wire, without a connection: subjects, bodies, errors and the positions of events. See docs/protocol.md.

import { decode, encode } from "@msgpack/msgpack";

/** What a call throws. `code` tells errors apart; with `fromActor` the actor's own code made it for its callers. */
export class TroupeError extends Error {
  constructor(code, message, { metadata = {}, fromActor = false, retryable = false, cause } = {}) {
    super(message, cause && { cause });
    Object.assign(this, { name: "TroupeError", code, metadata, fromActor, retryable });
  }
}

/** Tells whether NATS does not allow something. */
export const isDenied = (error) => error?.name === "PermissionViolationError";

/** Makes a TroupeError of what NATS throws. */
export function troupeError(error, what) {
  if (error instanceof TroupeError) return error;
  const code = isDenied(error) ? "denied" : error?.name === "InvalidArgumentError" ? "bad_input" : "unavailable";
  return new TroupeError(code, `${what}: ${error?.message ?? error}`, { cause: error });
}

// ---- Names, keys and subjects

const isName = (name) => typeof name === "string" && /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name);

/** Refuses what cannot be a type, an action or an event. Those that begin with _ are of the protocol itself. */
export function checkName(name) {
  if (!isName(name)) throw new TroupeError("bad_input", `"${String(name)}" is no name`);
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
const widen = (n) => Number.isSafeInteger(n) && (n >= 2 ** 32 || n < -(2 ** 31)) ? BigInt(n) : n;
function narrow(value) {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(narrow);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, narrow(v)]));
}

const maxDepth = 100;

// outgoing copies a value for an encoder, which knows `number` and `bytes`. It refuses what would arrive as something
// else, and says where that is.
function outgoing(value, to, path = "value", depth = 1) {
  const refuse = (why) => { throw new TypeError(`${path.length > 200 ? path.slice(0, 200) + "…" : path}: ${why}`); };
  const inner = (v, name) => outgoing(v, to, path + name, depth + 1);
  if (depth > maxDepth) refuse(`more than ${maxDepth} levels, or a cycle`);
  switch (typeof value) {
    case "number": case "bigint": return to.number(value, refuse);
    case "function": case "symbol": return refuse(`a ${typeof value} cannot be sent`);
    case "object": break;
    default: return value;
  }
  if (value === null) return value;
  if (Array.isArray(value)) return Array.from(value, (v, i) => inner(v, `[${i}]`));
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? refuse("an invalid Date cannot be sent") : value;
  if (value instanceof Uint8Array) return to.bytes(value);
  if (value instanceof ArrayBuffer) return to.bytes(new Uint8Array(value));
  if (typeof value.toJSON === "function") return inner(value.toJSON(), "");
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind !== "Object") refuse(`a ${kind} cannot be sent`);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, inner(v, `.${k}`)]));
}

const forMsgpack = {
  number: (n, refuse) => typeof n === "bigint" && (n < -(2n ** 63n) || n >= 2n ** 64n) ? refuse(`${n} has more than 64 bits`) : widen(n),
  bytes: (bytes) => bytes,
};
const forJSON = {
  number: (n, refuse) => typeof n === "bigint" || !Number.isFinite(n) ? refuse(`${n} cannot be sent in JSON`) : n,
  bytes: (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join("")), // as in Go
};

// parse reads JSON. The key __proto__ is an error, as it is in msgpack: whoever copied it would change a prototype.
function parse(text) {
  if (!/__proto__|\\u00[57]/i.test(text)) return JSON.parse(text);
  return JSON.parse(text, (key, value) => {
    if (key === "__proto__") throw new TypeError("the key __proto__ is not allowed");
    return value;
  });
}

/** The body of no value. */
export const nothing = new Uint8Array();

/**
 * The two encodings. JSON in JavaScript rounds integers beyond 2^53. `encode` throws a TypeError, which names the path, of
 * what cannot be sent: functions, Map, Set, RegExp and the like, invalid Dates, integers of more than 64 bits.
 */
export const msgpack = {
  contentType: "application/msgpack",
  encode: (value) => value === undefined ? nothing : encode(outgoing(value, forMsgpack), { useBigInt64: true, ignoreUndefined: true, maxDepth: maxDepth + 1 }),
  decode: (body) => body.length === 0 ? undefined : narrow(decode(body, { useBigInt64: true })),
};
export const json = {
  contentType: "application/json",
  encode: (value) => value === undefined ? nothing : utf8.encode(JSON.stringify(outgoing(value, forJSON))),
  decode: (body) => body.length === 0 ? undefined : parse(new TextDecoder().decode(body)),
};

/** The encoding that a Content-Type names. */
export function codecFor(contentType) {
  const [type, ...parameters] = (contentType || msgpack.contentType).toLowerCase().split(";").map((part) => part.trim());
  const utf8 = parameters.every((p) => !/^charset\s*(=|$)/.test(p) || /^charset\s*=\s*"?utf-8"?$/.test(p));
  const codec = utf8 && [msgpack, json].find((c) => c.contentType === type);
  if (!codec) throw new TroupeError("bad_input", `nobody can read the content type ${contentType}`);
  return codec;
}

/** What a message carries. It throws a TroupeError if nobody can read that. */
export function bodyOf(msg) {
  const codec = codecFor(msg.headers?.get("Content-Type"));
  try {
    return codec.decode(msg.data);
  } catch (error) {
    throw new TroupeError("internal", `${msg.subject}: not ${codec.contentType}: ${error.message}`, { cause: error });
  }
}

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

/**
 * Calls a handler of the program. What it throws is an uncaught exception of the program, as a panic of a handler is in
 * Go; thrown here, it would end the connection with NATS.
 */
export function handOver(handle, ...args) {
  try { handle(...args); } catch (error) { queueMicrotask(() => { throw error; }); }
}
