// What a program gets from the package beyond plain calls: its own way in, events to iterate over, queues, signals.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { headers } from "@nats-io/transport-node";
import { connect, json, msgpack, Troupe, TroupeError } from "@troupe-go/client";
import { Caller, connect as connectToCall } from "@troupe-go/client/caller";

const url = process.env.NATS_URL;
const unique = () => "t" + Math.random().toString(36).slice(2);
const hasCode = (code, text = "") => (error) => {
  assert.ok(error instanceof TroupeError, String(error?.stack ?? error));
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.includes(text), error.message);
  return true;
};

const all = (code, failing) => Promise.all(failing.map((one) => assert.rejects(one, hasCode(code))));

/** A way to the server that can be closed, opened again, and fall silent. */
class Proxy {
  sockets = new Set();
  silent = false;

  async open(port = 0) {
    const { hostname, port: to } = new URL(url);
    this.server = createServer((near) => {
      const far = createConnection({ host: hostname, port: to });
      const of = { silent: false };
      for (const [from, onto] of [[near, far], [far, near]]) {
        this.sockets.add(from);
        from.on("error", () => {}).on("close", () => onto.destroy()).on("data", (data) => { if (!of.silent) onto.write(data); });
      }
      this.fallSilent = () => { of.silent = true; };
    });
    await once(this.server.listen(port, "127.0.0.1"), "listening");
    this.port = this.server.address().port;
    this.url = `nats://127.0.0.1:${this.port}`;
  }

  async close() {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

describe("the package", { skip: url ? false : "NATS_URL is not set", concurrency: true }, () => {
  let troupe;
  before(async () => { troupe = await connect({ servers: url }); });
  after(() => troupe.close());

  const announce = (actor, event, position, payload) => {
    const h = headers();
    h.set("Troupe-Event", position);
    troupe.nc.publish(`troupe.event.${actor.tokens}.${event}`, msgpack.encode(payload), { headers: h });
  };

  test("waits for a server, outlives it, and ends with close", async () => {
    const proxy = new Proxy();
    await proxy.open();
    await proxy.close();
    const told = [];
    const coming = connect({ servers: proxy.url, onError: (error) => told.push(error) });
    while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(hasCode("unavailable", proxy.url)(told[0]));
    await proxy.open(proxy.port);
    const mine = await coming;
    const inventory = mine.actor("inventory", unique());
    assert.equal(await inventory.call("restock", 1), 101);
    await proxy.close();
    const call = inventory.call("restock", 1);
    await proxy.open(proxy.port);
    assert.equal(await call, 102);
    await mine.close();
    assert.ok(mine.nc.isClosed());
    await assert.rejects(inventory.call("restock", 1), hasCode("canceled"));
    await proxy.close();
  });

  test("does not wait for what will not come", async () => {
    const proxy = new Proxy();
    await proxy.open();
    await proxy.close();
    const controller = new AbortController();
    const coming = connect({ servers: proxy.url, signal: controller.signal, onError: () => controller.abort(new Error("enough")) });
    await assert.rejects(coming, hasCode("canceled", "enough"));
    await assert.rejects(connect({ servers: url, signal: AbortSignal.abort() }), hasCode("canceled"));
    await assert.rejects(connect({ servers: url, inboxPrefix: "a b" }), hasCode("bad_input"));
  });

  test("one that only calls does that as well", async () => {
    const proxy = new Proxy();
    await proxy.open();
    const mine = await connectToCall({ servers: proxy.url });
    const inventory = mine.actor("inventory", unique());
    assert.equal(inventory.subscribe, undefined);
    await proxy.close();
    const call = inventory.call("restock", 1);
    await proxy.open(proxy.port);
    assert.equal(await call, 101);
    inventory.tell("restock", 1);
    while (await inventory.call("stockLeft") !== 102) await new Promise((resolve) => setTimeout(resolve, 5));
    const twice = new Caller(mine.nc, { codec: json });
    assert.equal(await twice.actor("inventory", ...inventory.key).call("restock", 1), 103);
    await assert.rejects(twice.actor("inventory", ...inventory.key).call("restock", "x"), hasCode("bad_input"));
    await twice.close();
    const pending = assert.rejects(mine.actor("mute", unique()).call("x"), hasCode("canceled"));
    await mine.close();
    await pending;
    assert.ok(mine.nc.isClosed());
    await assert.rejects(inventory.call("restock", 1), hasCode("canceled"));
    await proxy.close();
  });

  test("a connection that closes ends all, with an error for each", async () => {
    const errors = [];
    const mine = await connect({ servers: url, onError: (error) => errors.push(error.code) });
    const room = mine.actor("chatRoom", unique());
    const ends = [];
    const connection = await room.connect({ name: "Ann" }, { onStatus: (status, error) => ends.push(status, error?.code) });
    await room.subscribe("said", () => {}, { onEnd: (error) => ends.push(error.code) });
    const heard = await room.events("said");
    const next = assert.rejects(heard.next(), hasCode("unavailable"));
    await mine.nc.close();
    await next;
    assert.equal((await heard.next()).done, true);
    assert.deepEqual(ends.slice(2), ["unavailable", "closed", "unavailable"]);
    assert.deepEqual(errors, ["unavailable"]);
    assert.throws(() => room.tell("say", "x"), hasCode("unavailable"));
    await all("unavailable", [room.call("look"), room.push("queue", 1), room.events("said"), room.subscribe("said", () => {}), room.connect({ name: "Ann" }), room.result("x")]);
    await assert.rejects(connection.call("say", "x"), hasCode("disconnected"));
    await mine.close();
  });

  test("what waits for NATS is given up", async () => {
    const proxy = new Proxy();
    await proxy.open();
    const mine = await connect({ servers: proxy.url, onError: () => {} });
    const room = mine.actor("inventory", unique());
    await proxy.close();
    await all("canceled", [room.subscribe("x", () => {}, { signal: AbortSignal.timeout(20) }), room.events("x", { signal: AbortSignal.timeout(20) })]);
    const closed = all("canceled", [room.subscribe("x", () => {}), room.events("x")]);
    await mine.close();
    await closed;
    await all("canceled", [room.stream("x").next(), room.subscribe("x", () => {})]);
  });

  test("headers are texts", async () => {
    const inventory = troupe.actor("inventory", unique());
    await assert.rejects(inventory.call("stockLeft", undefined, { headers: { authorization: 5 } }), hasCode("bad_input", "authorization"));
    assert.throws(() => inventory.tell("restock", 1, { headers: { authorization: {} } }), hasCode("bad_input", "authorization"));
  });

  test("an action is read as no stream", async () => {
    const inventory = troupe.actor("inventory", unique());
    await assert.rejects(inventory.stream("restock", 1).next(), hasCode("bad_input", "is no stream"));
    assert.equal(await inventory.call("stockLeft"), 100);
  });

  test("events go to those who wait, in turn", async () => {
    const room = troupe.actor("inventory", unique());
    const heard = await room.events("x");
    const waiting = [heard.next(), heard.next(), heard.next()];
    announce(room, "x", "1.1", "a");
    announce(room, "x", "1.2", "b");
    assert.deepEqual((await Promise.all(waiting.slice(0, 2))).map(({ value }) => value.payload), ["a", "b"]);
    heard.unsubscribe();
    assert.deepEqual(await waiting[2], { value: undefined, done: true });
  });

  test("events are iterated over, in order and with gaps", async () => {
    const mine = await connect({ servers: url });
    const before = mine.nc.protocol.subscriptions.size();
    const room = mine.actor("inventory", unique());
    const heard = [];
    const events = await room.events("lowStock");
    for (const [position, n] of [["7.1", 1], ["7.2", 2], ["7.5", 5]]) announce(room, "lowStock", position, n);
    for await (const { payload, position, missed } of events) {
      heard.push(missed ? `missed ${missed}` : `${payload} at ${position.sequence}`);
      if (payload === 5) break;
    }
    assert.deepEqual(heard, ["1 at 1", "2 at 2", "missed 2", "5 at 5"]);
    assert.equal(mine.nc.protocol.subscriptions.size(), before, "break ends the subscription");
    assert.equal((await events.next()).done, true);
    await mine.close();
  });

  test("an iterator that is slow misses the oldest, and is told how many", async () => {
    const room = troupe.actor("inventory", unique());
    const events = await room.events("lowStock", { limit: 3 });
    for (let n = 1; n <= 10; n++) announce(room, "lowStock", `7.${n === 10 ? 12 : n}`, n);
    await troupe.nc.flush();
    const items = [];
    while (items.at(-1) !== 10) {
      const { value } = await events.next();
      items.push(value.missed ? { missed: value.missed } : value.payload);
    }
    assert.deepEqual(items, [{ missed: 8 }, 9, { missed: 2 }, 10]);
    events.unsubscribe();
    await assert.rejects(room.events("lowStock", { limit: 0 }), hasCode("bad_input"));
  });

  test("a signal ends whatever it was given to", async () => {
    const room = troupe.actor("chatRoom", unique());
    const stop = new AbortController(), { signal } = stop;
    const reason = new Error("the user has left");
    const statuses = [], ends = [];
    const connection = await room.connect({ name: "Ann" }, { signal, onStatus: (status, error) => statuses.push(`${status} ${error?.message ?? ""}`) });
    await room.subscribe("said", () => ends.push("heard"), { signal, onEnd: (error) => ends.push(error.code) });
    const events = await room.events("said", { signal });
    const next = assert.rejects(events.next(), (error) => hasCode("canceled")(error) && error.cause === reason);
    stop.abort(reason);
    await next;
    await room.call("say", "hello");
    assert.equal(connection.status, "closed");
    assert.match(statuses.at(-1), /^closed .*the user has left/);
    assert.deepEqual(ends, ["canceled"]);
    assert.equal((await room.call("look")).present.length, 0, "the actor knows");
    await all("canceled", [room.connect({ name: "Ann" }, { signal }), room.subscribe("said", () => {}, { signal }), room.events("said", { signal }),
      room.call("look", undefined, { signal }), room.push("any", 1, { signal }), room.result("any", { signal })]);
  });

  test("a stream is read to its end, or for as long as somebody wants it", async (t) => {
    const mine = await connect({ servers: url });
    t.after(() => mine.close());
    const before = mine.nc.protocol.subscriptions.size();
    const room = mine.actor("chatRoom", unique());
    await room.call("say", Array.from({ length: 20 }, (_, i) => i).join(" "));
    const read = async (stream, most = Infinity) => {
      const words = [];
      for await (const word of stream) if (words.push(word) === most) break;
      return words;
    };
    const all = await read(room.stream("recap"));
    assert.equal(all.slice(-20).join(), Array.from({ length: 20 }, (_, i) => i).join());
    assert.deepEqual(await read(room.stream("recap"), 3), all.slice(0, 3));
    const plain = new Troupe(mine.nc, { codec: json });
    assert.deepEqual(await read(plain.actor("chatRoom", ...room.key).stream("recap")), all);
    await plain.close();
    const never = room.stream("recap");
    await never.return();
    const stop = new AbortController();
    const aborted = assert.rejects(async () => {
      for await (const word of room.stream("recap", undefined, { signal: stop.signal })) if (word) stop.abort(new Error("enough"));
    }, hasCode("canceled", "enough"));
    await aborted;
    await assert.rejects(read(room.stream("recap", undefined, { signal: AbortSignal.abort() })), hasCode("canceled"));
    await assert.rejects(read(room.stream("recap", 5)), hasCode("bad_input"));
    await assert.rejects(read(room.stream("nothing")), hasCode("unknown_action"));
    await assert.rejects(read(mine.actor("nobody").stream("recap")), hasCode("unknown_type"));
    await assert.rejects(room.call("recap"), hasCode("bad_input", "is a stream"));
    assert.throws(() => room.stream("no name"), hasCode("bad_input"));
    assert.equal(mine.nc.protocol.subscriptions.size(), before, "none is left");
    const late = assert.rejects(read(room.stream("recap")), hasCode("canceled"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await mine.close();
    await late;
  });

  test("a stream that is not as it should be fails", async () => {
    // what a host would send, each list in a stream of its own
    const messages = [
      [[1, [1, 2]], [3, [3]], [4, undefined, { "Troupe-End": "3" }]],
      [[1, [1]], [3, [3]]],
      [[1, [1]], [2, undefined, { "Troupe-Alive": "1" }], [3, undefined, { "Troupe-Alive": "1" }]],
      [[1, [1]], [2, undefined, { "Troupe-End": "1", "Troupe-Error-Code": "tired", "Nats-Service-Error": "tired: of it" }]],
      [[1, [1]], [2, undefined, { "Content-Type": "text/plain" }]],
    ];
    const name = "troupe.host.h.stream.s", type = "odd" + unique();
    const sub = troupe.nc.subscribe(`troupe.*.${type}.*.go`, {
      callback: (_, call) => {
        const { reply, data } = call;
        if (data.length === 0) return; // the question whether it has arrived
        const inbox = call.headers.get("Troupe-Inbox");
        assert.equal(call.headers.get("Troupe-Credit"), "256");
        troupe.nc.publish(inbox, msgpack.encode("of nobody"));
        troupe.nc.publish(inbox, msgpack.encode("of another"), { reply: "troupe.host.h.stream.x.1" });
        for (const [number, values = [], fields = {}] of messages[msgpack.decode(data)]) {
          const h = headers();
          for (const [key, value] of Object.entries(fields)) h.set(key, value);
          troupe.nc.publish(inbox, Uint8Array.from(values.flatMap((v) => [...msgpack.encode(v)])), { reply: `${name}.${number}`, headers: h });
        }
        troupe.nc.publish(reply, msgpack.encode(name)); // which may come behind what it is about
      },
    });
    const read = async (i) => {
      const got = [];
      try {
        for await (const value of troupe.actor(type, "x").stream("go", i)) got.push(value);
      } catch (error) {
        assert.ok(error instanceof TroupeError, String(error));
        got.push(error.code);
      }
      return got;
    };
    assert.deepEqual(await Promise.all(messages.map((_, i) => read(i))),
      [[1, 2, 3], [1, "outcome_unknown"], [1, "outcome_unknown"], [1, "tired"], [1, "internal"]]);
    sub.unsubscribe();
  });

  test("a reader says how far it is: after many values, much of them, or a while", async () => {
    const name = `troupe.host.h.stream.${unique()}`, type = "far" + unique(), said = [];
    const values = { many: [...Array(200).keys()], much: Array(60).fill("x".repeat(10_000)), slow: [1, 2] };
    const ears = troupe.nc.subscribe(`${name}.*`, { callback: (_, msg) => said.push(`${msg.subject.split(".").at(-1)}${msg.string()}`) });
    const sub = troupe.nc.subscribe(`troupe.*.${type}.*.*`, {
      callback: (_, call) => {
        if (call.subject.endsWith("._cancel") || said.length > 0 && said[0] === "opened") return;
        said.unshift("opened");
        const what = values[call.subject.split(".").at(-1)], inbox = call.headers.get("Troupe-Inbox");
        troupe.nc.publish(call.reply, msgpack.encode(name));
        what.forEach((v, i) => troupe.nc.publish(inbox, msgpack.encode(v), { reply: `${name}.${i + 1}` }));
      },
    });
    const read = async (stream, pause) => {
      said.length = 0;
      let n = 0;
      for await (const _ of troupe.actor(type, "x").stream(stream)) {
        if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
        if (++n === values[stream].length) break;
      }
      await troupe.nc.flush();
      return said.slice(1);
    };
    assert.deepEqual(await read("many"), ["128", "199-"]);
    assert.deepEqual(await read("much"), ["53", "59-"]);
    assert.deepEqual(await read("slow", 2500), ["0", "1", "1-"]); // the first takes 2.5 s, and so does the second
    sub.unsubscribe();
    ears.unsubscribe();
  });

  test("what is given up while it begins is over", async () => {
    const mute = troupe.nc.subscribe("troupe.*.mute.>", { callback: () => {} });
    const stop = new AbortController();
    const statuses = [];
    const coming = assert.rejects(troupe.actor("mute").connect(1, { signal: stop.signal, onStatus: (status) => statuses.push(status) }), hasCode("canceled"));
    stop.abort();
    await coming;
    assert.deepEqual(statuses, ["closed"]);
    mute.unsubscribe();
  });

  test("a message that is pushed is handled", async () => {
    const mailer = troupe.actor("mailer", unique());
    const sent = await mailer.events("sent");
    const at = new Date(Date.now() + 1000);
    await mailer.push("send", { to: "a@example.com", text: "hello" });
    for (let i = 0; i < 3; i++) await mailer.push("send", { to: "b@example.com", text: "once" }, { id: "order 17" });
    await mailer.push("send", { to: "c@example.com", text: "late" }, { notBefore: at });
    const letters = [];
    for await (const { payload } of sent) {
      letters.push(payload.letter.text);
      if (payload.letter.text === "late") break;
    }
    assert.ok(Date.now() >= at);
    assert.deepEqual(letters.sort(), ["hello", "late", "once"]);
  });

  test("what cannot be pushed is refused", async () => {
    const mailer = troupe.actor("mailer", unique());
    const elsewhere = new Troupe(troupe.nc, { namespace: unique() });
    await assert.rejects(elsewhere.actor("mailer").push("send", {}), hasCode("unavailable", "no queues"));
    await assert.rejects(mailer.push("not a name", {}), hasCode("bad_input"));
    await assert.rejects(mailer.push("send", { text: new Map() }), hasCode("bad_input", "input.text"));
    await assert.rejects(mailer.push("send", new Uint8Array(troupe.nc.info.max_payload - 4000)), hasCode("too_large"));
    for (const wrong of [{ id: "" }, { id: 7 }, { id: "x".repeat(257) }, { notBefore: new Date(NaN) }, { notBefore: 7 }, { timeout: 0 }]) {
      await assert.rejects(mailer.push("send", {}, wrong), hasCode("bad_input"), JSON.stringify(wrong));
    }
    const full = troupe.nc.subscribe("far.queue.>", { callback: (_, msg) => msg.respond(JSON.stringify({ error: { code: 503, err_code: 10077, description: "maximum messages per subject exceeded" } })) });
    const silent = troupe.nc.subscribe("far.inorder.>", { callback: (_, msg) => asked.push(msg) });
    const asked = [];
    const far = new Troupe(troupe.nc, { namespace: "far" });
    await assert.rejects(far.actor("mailer").push("send", 1), hasCode("overloaded"));
    await assert.rejects(far.actor("mailer").push("send", 1, { inOrder: true, timeout: 2500 }), hasCode("outcome_unknown"));
    assert.equal(asked.length, 2, "it is published again");
    assert.equal(new Set(asked.map((msg) => msg.headers.get("Nats-Msg-Id"))).size, 1, "and is known again");
    for (const sub of [full, silent]) sub.unsubscribe();
    await far.close();
    await elsewhere.close();
  });

  test("what is told runs, and nobody answers", async () => {
    const inventory = troupe.actor("inventory", unique());
    const asked = [];
    const sub = troupe.nc.subscribe(`troupe.route.${inventory.tokens}.restock`, { callback: (_, msg) => asked.push(msg.reply) });
    await troupe.nc.flush();
    inventory.tell("restock", 5);
    while (await inventory.call("stockLeft") !== 105) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(asked, [""]);
    assert.throws(() => inventory.tell("restock", Symbol("x")), hasCode("bad_input"));
    assert.throws(() => inventory.tell("no name"), hasCode("bad_input"));
    sub.unsubscribe();
  });

  test("whatever fails is a TroupeError that says where", async () => {
    const inventory = troupe.actor("inventory", unique());
    const cycle = [];
    cycle.push(cycle);
    for (const [input, place] of [[{ lines: [1, { at: new Date(NaN) }] }, "input.lines[1].at"], [cycle, "input[0]"], [2n ** 64n, "input"], [["\udc00"], "input[0]"]]) {
      await assert.rejects(inventory.call("restock", input), hasCode("bad_input", place));
      await assert.rejects(inventory.connect(input), hasCode("bad_input", place));
    }
    for (const wrong of [() => troupe.actor("no name"), () => troupe.actor("a", 7), () => troupe.actor("a", "x".repeat(1025)), () => json.encode({ n: 1n })]) assert.throws(wrong, hasCode("bad_input"));
    await all("bad_input", [inventory.subscribe("_all", () => {}), inventory.events(""), inventory.connect(1, { on: { "a.b": () => {} } }), inventory.call("_notice")]);
  });

  test("headers of a call arrive, but none that are ours", async () => {
    let got;
    const sub = troupe.nc.subscribe("troupe.*.echo.>", { callback: (_, msg) => { got ??= msg.headers; msg.respond(); } });
    await troupe.actor("echo").call("echo", 1, { headers: { authorization: "Bearer x", "Troupe-Attempt": "7", "Content-Type": "text/plain" } });
    assert.equal(got.get("authorization"), "Bearer x");
    assert.equal(got.get("Content-Type"), "application/msgpack");
    assert.equal(got.get("Troupe-Attempt"), "");
    sub.unsubscribe();
  });
});
