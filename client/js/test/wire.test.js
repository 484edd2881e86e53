// The examples of the protocol that the Go tests read, too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { headers } from "@nats-io/nats-core";
import { TroupeError } from "../errors.js";
import { checkName, codecFor, codecs, errorOf, json, msgpack, Order, positionOf, replySubject, tokens } from "../wire.js";

const read = (file) => JSON.parse(readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8"));
const unhex = (digits) => new Uint8Array(Buffer.from(digits, "hex"));
const refused = (error) => error instanceof TroupeError && error.code === "bad_input" && !error.fromActor;

test("keys and names", () => {
  const vectors = read("docs/vectors/keys.json");
  assert.ok(vectors.cases.length > 0);
  for (const c of vectors.cases) {
    assert.equal(tokens("room", c.key ?? c.keyHex.map(unhex)), ["room", c.tokens].filter(Boolean).join("."), c.comment);
  }
  for (const c of vectors.refusedKeys) assert.throws(() => tokens("room", c.key), refused, c.comment);
  for (const c of vectors.names) {
    if (c.valid) checkName(c.name); else assert.throws(() => checkName(c.name), refused, c.comment);
  }
  assert.throws(() => tokens("room", ["\ud800"]), refused, "half of a surrogate pair is no text");
});

test("subjects", () => {
  const { cases } = read("docs/vectors/subjects.json");
  assert.ok(cases.length > 0);
  for (const c of cases) {
    for (const kind of ["call", "route", "event"]) {
      assert.equal(`${c.namespace}.${kind}.${tokens(c.type, c.key)}.${c.name}`, c[kind], c.comment);
    }
  }
});

test("headers", () => {
  const { requestIds, contentTypes } = read("docs/vectors/headers.json");
  const valid = requestIds.filter((c) => c.number !== null);
  assert.ok(valid.length > 0 && contentTypes.length > 0);
  for (const c of valid) assert.equal(replySubject("_INBOX.abc", BigInt(c.number), BigInt(c.floor)), c.reply.replace(/[ZY]/g, (l) => l.toLowerCase()), c.comment);
  for (const c of contentTypes) {
    if (c.encoding) assert.equal(codecFor(c.value, codecs).contentType, `application/${c.encoding}`, c.comment);
    else assert.throws(() => codecFor(c.value, codecs), refused, c.comment);
  }
});

test("errors", () => {
  const { written, read: others } = read("docs/vectors/errors.json");
  assert.ok(written.length > 0);
  for (const c of [...written, ...others]) {
    const h = headers();
    for (const [name, value] of Object.entries(c.headers)) h.set(name, value);
    const error = errorOf({ headers: h, data: Buffer.concat([Buffer.from(c.body ?? ""), unhex(c.bodyHex ?? "")]) }, codecs);
    if (c.error === null) {
      assert.equal(error, undefined, c.comment);
      continue;
    }
    const { code, message, metadata, fromActor, retryable } = error;
    assert.deepEqual({ code, message, metadata, fromActor, retryable }, { ...c.error, metadata: c.error.metadata ?? {} }, c.comment);
  }
});

// What a value of the vectors is in JavaScript. A Date has milliseconds, JSON texts are read with their integers exact.
function valueOf({ type, json: text }) {
  if (text === "") return undefined;
  const value = JSON.parse(text);
  switch (type) {
    case "bytes": return new Uint8Array(Buffer.from(value, "base64"));
    case "timestamp": return new Date(value);
    default: return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(text) : value;
  }
}
const plain = (value) => {
  if (value instanceof Uint8Array) return [...value];
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
};
const same = (a, b) => { try { assert.deepEqual(plain(a), plain(b)); return true; } catch { return false; } };

test("values", () => {
  const { cases, refused: broken } = read("docs/vectors/values.json");
  assert.ok(cases.length > 0);
  for (const c of cases) {
    const also = c.type === "point" ? [] : c.also ?? []; // Go fills in what fields are missing, JavaScript has no types
    const name = `${c.comment}, ${c.type}`;
    if (c.json === undefined) { // what JSON does not have
      msgpack.decode(unhex(c.msgpack));
      continue;
    }
    const value = valueOf(c);
    if (c.type === "nothing") assert.ok((msgpack.decode(unhex(c.msgpack)) ?? undefined) === undefined, name);
    else for (const digits of [c.msgpack, ...also]) assert.ok(same(msgpack.decode(unhex(digits)), value), `${name}: ${digits}`);
    if (c.decodeOnly) continue;
    const written = msgpack.encode(value);
    const digits = Buffer.from(written).toString("hex");
    if (c.type === "timestamp") assert.ok(same(msgpack.decode(written), value), name); // nanoseconds are lost
    else assert.ok([c.msgpack, ...also].includes(digits), `${name}: ${digits}`);
    if (!["bytes", "timestamp"].includes(c.type) && typeof value !== "bigint") assert.ok(same(json.decode(json.encode(value)), value), name);
  }
  const unreadable = ["bytes after the value", "a value that is cut", "a text that is cut", "the reserved code",
    "a list of four billion elements", "a map of four billion entries", "bytes of four gigabytes"];
  for (const comment of unreadable) {
    const c = broken.find((one) => one.comment === comment);
    assert.throws(() => msgpack.decode(unhex(c.msgpack)), undefined, comment);
  }
});

test("integers are exact, whatever their size", () => {
  for (const n of [0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2n ** 63n, -(2n ** 63n), 1.5]) {
    assert.deepEqual(msgpack.decode(msgpack.encode({ n: [n] })), { n: [n] });
  }
});

test("keys are texts, whatever they are to the host", () => {
  for (const [digits, value] of [["81cf0020000000000001c3", { "9007199254740993": true }], ["8105c3", { 5: true }], ["81f9c3", { "-7": true }]]) {
    assert.deepEqual(msgpack.decode(unhex(digits)), value, digits);
  }
  assert.throws(() => msgpack.decode(unhex("81c40131c3")), /a key is no text/);
  for (const [value, path] of [[{ a: { "\ud800": 1 } }, "input.a.\ud800: half a surrogate pair"], [JSON.parse('[{"__proto__":1}]'), "input[0]: the key __proto__"]]) {
    for (const { encode } of codecs) assert.throws(() => encode(value, "input"), (error) => refused(error) && error.message === `${path} cannot be sent`);
  }
  assert.throws(() => json.encode([5n], "input"), /input\[0\]: in JSON the bigint 5 cannot be sent/);
});

test("the order of events", () => {
  const order = new Order();
  const at = (place) => { const h = headers(); if (place) h.set("Troupe-Event", place); return positionOf({ headers: h }); };
  for (const [place, fresh, missed] of [
    ["7.4", true, 0], // the first that is heard, whatever its number
    ["7.5", true, 0],
    ["7.5", false, 0], // again
    ["7.3", false, 0], // an earlier one
    ["7.9", true, 3],
    ["8.10.7", true, 0], // on another host
    ["7.11", false, 0], // of the host before, which was slow
    ["9.11.6", true, Infinity], // the last one was of another life of the actor: who knows
    ["9.13", true, 1],
    ["10.1", true, Infinity], // it was destroyed and created again
    ["", true, 0], // published by something else
    ["10.2", true, 0],
  ]) assert.deepEqual(order.next("a", at(place)), { fresh, missed }, place);
  assert.deepEqual(order.next("b", at("1.1")), { fresh: true, missed: 0 }, "each subject has its own");
  for (const [place, missed] of [["10.4", 2], ["10.4", 0], ["10.3", 0], ["0.0", 0], ["11.0", Infinity]]) {
    const [epoch, sequence] = place.split(".").map(Number);
    assert.equal(order.skip("a", { epoch, sequence }), missed, place);
  }
  assert.equal(order.skip("c", { epoch: 1, sequence: 5 }), Infinity, "nothing was heard, so who knows");
});
