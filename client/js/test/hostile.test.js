// What servers, hosts and other programs may send to a client, and what must not leave it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, headers } from "@nats-io/transport-node";
import { json, msgpack, Troupe, TroupeError } from "../index.js";

const unique = () => "t" + Math.random().toString(36).slice(2);
const hasCode = (code) => (error) => {
  assert.ok(error instanceof TroupeError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

test("what cannot be sent is refused, with its place", () => {
  class Point { constructor() { this.x = 2 ** 40; } }
  for (const [value, place] of [
    [{ a: [1, 2n ** 64n] }, "value.a[1]"], [-(2n ** 63n) - 1n, "value"], [{ m: new Map() }, "value.m"], [new Set(), "value"],
    [[/x/], "value[0]"], [new Date(NaN), "value"], [{ f() {} }, "value.f"], [new Float64Array(1), "value"], [Promise.resolve(), "value"], [["\ud800"], "value[0]"],
  ]) {
    for (const codec of [msgpack, json]) assert.throws(() => codec.encode(value), (e) => hasCode("bad_input")(e) && e.message.startsWith(place + ":"), place);
  }
  const cycle = {};
  cycle.self = cycle;
  assert.throws(() => msgpack.encode(cycle), hasCode("bad_input"));
  assert.throws(() => json.encode({ n: NaN }), { name: "TroupeError", message: /^value\.n:/ });
  assert.throws(() => msgpack.encode({ get n() { throw new Error("no"); } }), hasCode("bad_input"));
  for (const [value, arrives] of [[new URL("http://a/"), "http://a/"], [new Uint8Array([7]).buffer, new Uint8Array([7])], [new Point(), { x: 2 ** 40 }]]) {
    assert.deepEqual(msgpack.decode(msgpack.encode(value)), arrives);
  }
  assert.equal(json.decode(json.encode(new Uint8Array([1, 2]))), "AQI=");
});

test("no message changes a prototype", () => {
  for (const text of ['{"__proto__": {"x": 1}}', '{"a": [{"\\u005f_proto__": 1}]}']) {
    assert.throws(() => json.decode(new TextEncoder().encode(text)), /__proto__/);
  }
  assert.throws(() => msgpack.decode(Buffer.from("81a95f5f70726f746f5f5f01", "hex")), /__proto__/);
});

describe("a client", { skip: process.env.NATS_URL ? false : "NATS_URL is not set", concurrency: true }, () => {
  let nc;
  before(async () => { nc = await connect({ servers: process.env.NATS_URL }); });
  after(() => nc.close());

  test("drops and tells of what it cannot read", async () => {
    const errors = [];
    const troupe = new Troupe(nc, { onError: (error) => errors.push(error) });
    const room = troupe.actor("chatRoom", unique());
    const heard = [];
    await room.subscribe("said", (payload) => heard.push(payload));
    const connection = await room.connect({ name: "Ann" }, { on: { said: (payload) => heard.push(payload) } });
    const foreign = [
      ["c1", ""], ["92", ""], ["81a95f5f70726f746f5f5f01", ""], ["91".repeat(100_000) + "c0", ""],
      ["7b", "application/json"], [Buffer.from('{"__proto__":1}').toString("hex"), "application/json"], ["00", "text/plain"],
    ];
    for (const subject of [`troupe.event.${room.tokens}.said`, `${troupe.connections.inbox}.${connection.id}.said`, `${troupe.connections.inbox}.${connection.id}._sent`]) {
      for (const [digits, type] of foreign) {
        const h = headers();
        if (type) h.set("Content-Type", type);
        h.set("Troupe-Event", "x.y");
        nc.publish(subject, Buffer.from(digits, "hex"), { headers: h });
      }
    }
    for (const name of ["_sent", "constructor", "__proto__"]) nc.publish(`${troupe.connections.inbox}.${connection.id}.${name}`, msgpack.encode(null));
    await nc.flush();
    assert.deepEqual(heard, []);
    assert.equal(errors.length, 4 * foreign.length); // the event is heard twice
    assert.ok(errors.every((error) => error instanceof TroupeError));
    await room.call("look");
    await troupe.close();
  });

  test("stays when an actor has sent it nothing", async () => {
    const own = await connect({ servers: process.env.NATS_URL });
    const troupe = new Troupe(own);
    const connection = await troupe.actor("chatRoom", unique()).connect({ name: "Ann" });
    await connection.again(); // the answer to which is that nothing was sent
    await own.flush();
    assert.equal(connection.status, "connected");
    assert.equal(own.isClosed(), false);
    await troupe.close();
    await own.close();
  });

  test("is closed at once", async () => {
    const troupe = new Troupe(nc);
    const actor = troupe.actor("inventory", unique());
    const sent = [];
    const silent = nc.subscribe(`troupe.*.silent.>`, { callback: (_, msg) => sent.push(msg) });
    await nc.flush();
    const controller = new AbortController();
    const given = assert.rejects(troupe.actor("silent").call("wait", 1, { signal: controller.signal }), hasCode("canceled"));
    controller.abort();
    await given;
    await nc.flush();
    assert.deepEqual(sent.map((msg) => msg.subject), ["troupe.call.silent.wait", "troupe.call.silent._cancel"]);
    assert.equal(sent[0].reply, sent[1].reply);
    const under = assert.rejects(troupe.actor("silent").call("wait"), hasCode("canceled"));
    await troupe.close();
    await under;
    for (const late of [actor.call("stockLeft"), actor.subscribe("lowStock", () => {}), actor.connect()]) await assert.rejects(late, hasCode("canceled"));
    silent.unsubscribe();
  });

  test("asks for a call that nobody answers, and does not send its input again", async () => {
    const troupe = new Troupe(nc);
    const sent = [];
    const host = nc.subscribe("troupe.*.deaf.>", { callback: (_, msg) => {
      sent.push(msg);
      const absent = headers();
      absent.set("Troupe-Absent", "host");
      if (!msg.subject.endsWith(".lost") || sent.length === 1) return;
      if (msg.headers.get("Troupe-Attempt").endsWith("?")) msg.respond(undefined, { headers: absent });
      else msg.respond(msgpack.encode(7));
    } });
    await nc.flush();
    const input = new Uint8Array(100_000);
    await assert.rejects(troupe.actor("deaf").call("wait", input, { timeout: 4000 }), hasCode("outcome_unknown"));
    const [first, ...questions] = sent.splice(0);
    assert.ok(first.data.length > input.length);
    assert.ok(questions.length > 0);
    questions.forEach((msg, i) => {
      assert.equal(msg.data.length, 0);
      assert.equal(msg.headers.get("Troupe-Attempt"), `${i + 2}?`);
    });
    assert.equal(questions.at(-1).headers.get("Troupe-Timeout"), "0");
    assert.equal(await troupe.actor("deaf").call("lost", input), 7);
    const asked = sent.slice(1, -1); // once, or more often if the answer takes long
    assert.ok(asked.length > 0);
    assert.deepEqual(asked.map((msg) => msg.headers.get("Troupe-Attempt")), asked.map((_, i) => `${i + 2}?`));
    assert.equal(sent.at(-1).headers.get("Troupe-Attempt"), `${sent.length}`);
    assert.deepEqual(sent.map((msg) => msg.data.length > input.length), [true, ...asked.map(() => false), true]);
    host.unsubscribe();
    await troupe.close();
  });

  test("refuses what no call can have", async () => {
    const troupe = new Troupe(nc);
    const actor = troupe.actor("inventory", unique());
    for (const requestId of [0, "", null, "x".repeat(257), "x ", "\u00a0x", "a\nb", "a\ud800"]) await assert.rejects(actor.call("restock", 1, { requestId }), hasCode("bad_input"));
    for (const timeout of [0, -1, NaN]) await assert.rejects(actor.call("restock", 1, { timeout }), hasCode("bad_input"));
    await assert.rejects(actor.call("restock", new Uint8Array(nc.info.max_payload)), hasCode("too_large"));
    await troupe.close();
  });

  test("tells when its connection with NATS has ended", async () => {
    const own = await connect({ servers: process.env.NATS_URL });
    const errors = [];
    const troupe = new Troupe(own, { onError: (error) => errors.push(error.code) });
    const actor = troupe.actor("inventory", unique());
    await actor.subscribe("lowStock", () => {});
    await own.close();
    await assert.rejects(actor.call("stockLeft"), hasCode("unavailable"));
    assert.deepEqual(errors, ["unavailable"]);
  });

  test("forgets connections that are closed", async () => {
    const troupe = new Troupe(nc);
    const room = troupe.actor("chatRoom", unique());
    for (let i = 0; i < 20; i++) await (await room.connect({ name: `guest${i}` })).close();
    assert.equal((await nc.request(`${troupe.connections.inbox}._ping`)).data.length, 0);
    await troupe.close();
  });

  test("asks for few positions at a time when NATS is back", async () => {
    const own = await connect({ servers: process.env.NATS_URL, reconnectTimeWait: 50 });
    const troupe = new Troupe(own);
    const all = 300;
    let open = 0, most = 0, asked = 0;
    let done;
    const finished = new Promise((resolve) => { done = resolve; });
    const actors = nc.subscribe("troupe.call.slow.>", { callback: (_, msg) => {
      if (msg.headers.get("Troupe-Attempt")) return; // on a busy machine: the first is being answered
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        msg.respond(msgpack.encode({ epoch: 0, sequence: 0 }));
        if (++asked === all) done();
      }, 20);
    } });
    for (let i = 0; i < all; i++) await troupe.actor("slow", String(i)).subscribe("event", () => {});
    await own.reconnect();
    await finished;
    assert.ok(most <= 64, `${most} at once`);
    actors.unsubscribe();
    await troupe.close();
    await own.close();
  });
});

describe("a client with few rights", { skip: process.env.NATS_RESTRICTED ? false : "NATS_RESTRICTED is not set" }, () => {
  const enter = (options) => connect({ servers: process.env.NATS_RESTRICTED, user: "ann", pass: "secret", ...options });

  test("has its inboxes under its prefix, and hears what is denied", async () => {
    const nc = await enter({ inboxPrefix: "_INBOX.ann" });
    const errors = [];
    const troupe = new Troupe(nc, { onError: (error) => errors.push(error.code) });
    await assert.rejects(troupe.actor("open").call("say"), hasCode("unknown_type"));
    await assert.rejects(troupe.actor("secret").call("say"), hasCode("denied"));
    await assert.rejects(troupe.actor("secret").subscribe("said", () => {}), hasCode("denied"));
    assert.deepEqual(errors, ["denied"]);
    await troupe.close();
    await nc.close();
  });

  test("fails calls at once whose replies it may not hear", async () => {
    const nc = await enter();
    const troupe = new Troupe(nc, { onError: () => {} });
    await assert.rejects(troupe.actor("open").call("say"), hasCode("denied"));
    await assert.rejects(troupe.actor("open").call("say"), hasCode("denied"));
    assert.equal(nc.isClosed(), false);
    await nc.close();
  });
});
