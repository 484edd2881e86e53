// The client against real hosts: those of the examples on the bus at NATS_URL. `go test ./examples/node` starts them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect, createInbox, headers } from "@nats-io/transport-node";
import { json, msgpack, Troupe } from "../index.js";

const unique = () => "t" + Math.random().toString(36).slice(2);
const hasCode = (code) => (error) => { assert.equal(error.code, code, error.message); return true; };

/** Waits until something is true. */
async function until(isTrue) {
  for (const end = Date.now() + 20_000; !await isTrue();) {
    assert.ok(Date.now() < end, "not within 20 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("troupe", { skip: process.env.NATS_URL ? false : "NATS_URL is not set", concurrency: true }, () => {
  let nc, troupe, other;
  before(async () => {
    nc = await connect({ servers: process.env.NATS_URL });
    troupe = new Troupe(nc);
    other = new Troupe(nc, { codec: json });
  });
  after(async () => {
    await Promise.all([troupe.close(), other.close()]);
    await nc.close();
  });

  test("a key is one actor, whatever is in it", async () => {
    const keys = [["a.b"], ["a", "b"], ["a", "b", ""], ["*"], [">"], ["é 😀/=41"], []].map((key) => [unique(), ...key]);
    for (const [i, key] of keys.entries()) await troupe.actor("inventory", ...key).call("restock", i + 1);
    for (const [i, key] of keys.entries()) assert.equal(await other.actor("inventory", ...key).call("stockLeft"), 101 + i);
  });

  test("errors are told apart", async () => {
    for (const by of [troupe, other]) {
      const inventory = by.actor("inventory", unique());
      await assert.rejects(by.actor("nobodyPlaysThis").call("anything"), hasCode("unknown_type"));
      await assert.rejects(inventory.call("noSuchAction"), hasCode("unknown_action"));
      await assert.rejects(inventory.call("restock", "many"), hasCode("bad_input"));
      await assert.rejects(inventory.call("restock", 1.5), hasCode("bad_input"));
      await assert.rejects(inventory.call("not a name"), hasCode("bad_input"));
      await assert.rejects(by.actor("inventory", unique()).call("stockLeft", undefined, { existing: true }), hasCode("not_found"));
      await assert.rejects(inventory.call("reserveStock", 101), (error) => {
        const { code, metadata, fromActor, retryable } = error;
        assert.deepEqual({ code, metadata, fromActor, retryable },
          { code: "out_of_stock", metadata: { wanted: 101, left: 100 }, fromActor: true, retryable: false });
        return true;
      });
    }
  });

  test("actions are scheduled by any client", async () => {
    for (const by of [troupe, other]) {
      const key = unique(), inventory = by.actor("inventory", key);
      await assert.rejects(inventory.call("_schedules"), hasCode("not_found"));
      await assert.rejects(inventory.call("_fire", "x", { existing: true }), hasCode("not_found"));
      assert.equal(await inventory.call("_schedule", { action: "restock", input: 5, after: 300, name: "delivery" }), "delivery");
      const made = await inventory.call("_schedule", { action: "restock", input: 20, at: Date.now() + 3_600_000 });
      assert.equal(await inventory.call("_schedule", { action: "restock", input: 1, cron: "0 6 * * 1-5", zone: "Europe/Berlin", name: "daily" }), "daily");
      await until(async () => await inventory.call("stockLeft") === 105);
      const listed = await inventory.call("_schedules");
      assert.deepEqual(listed.map(({ name }) => name).sort(), ["daily", made].sort());
      const { at, ...daily } = listed.find(({ name }) => name === "daily");
      assert.deepEqual(daily, { name: "daily", action: "restock", input: 1, cron: "0 6 * * 1-5", zone: "Europe/Berlin" });
      assert.ok(Number(at) > Date.now());
      assert.equal(await inventory.call("_fire", made), true);
      await until(async () => await inventory.call("stockLeft") === 125);
      assert.equal(await inventory.call("_schedule", { action: "restock", input: 1 }) === made, false);
      await until(async () => await inventory.call("stockLeft") === 126); // at once
      assert.equal(await inventory.call("_unschedule", "daily"), true);
      assert.equal(await inventory.call("_unschedule", "daily"), false);
      assert.ok(!(await inventory.call("_schedules"))?.length);
      for (const [code, wrong] of [
        ["unknown_action", { action: "noSuchAction", after: 1 }], ["bad_input", { action: "restock", input: "many", after: 1 }],
        ["bad_input", { action: "restock", input: 1, cron: "0 6 * *" }], ["bad_input", { action: "restock", input: 1, cron: "@daily", zone: "Mars" }],
        ["bad_input", { action: "restock", input: 1, after: 1, every: 1000 }], ["bad_input", { action: "restock", input: 1, every: 999 }],
        ["bad_input", { action: "restock", input: 1, after: 1, name: "not a name" }], ["bad_input", { action: "restock", input: 1, after: 1.5 }],
      ]) await assert.rejects(inventory.call("_schedule", wrong), hasCode(code));
    }
  });

  test("an action is scheduled by a plain request in JSON", async () => {
    const key = unique(), h = headers();
    h.set("Content-Type", "application/json");
    const ask = async (action, input) => (await nc.request(`troupe.route.inventory.${key}.${action}`, JSON.stringify(input), { headers: h, timeout: 5000 })).json();
    assert.equal(await ask("_schedule", { action: "restock", input: 10, after: 200, name: "delivery" }), "delivery");
    await until(async () => await ask("stockLeft") === 110);
  });

  test("many calls at once are answered, each once", async () => {
    const inventory = troupe.actor("inventory", unique());
    const stocks = await Promise.all(Array.from({ length: 500 }, () => inventory.call("restock", 1)));
    assert.deepEqual(stocks.sort((a, b) => a - b), Array.from({ length: 500 }, (_, i) => 101 + i));
  });

  test("a call with an id takes effect once, from any program", async () => {
    const key = unique(), requestId = unique();
    assert.equal(await troupe.actor("inventory", key).call("restock", 3, { requestId }), 103);
    assert.equal(await new Troupe(nc).actor("inventory", key).call("restock", 3, { requestId }), 103);
    await assert.rejects(troupe.actor("inventory", key).call("restock", 4, { requestId }), hasCode("request_reused"));
    assert.equal(await troupe.actor("inventory", key).call("stockLeft"), 103);
  });

  // A bot of the chat takes its time, so that the call is sent again while its action is at work.
  test("a call that is sent again is run once", async () => {
    const bot = unique();
    const asked = [];
    const sub = nc.subscribe(`chat.bot.${bot}`, { callback: (_, m) => { asked.push(m.string()); setTimeout(() => m.respond("done"), 700); } });
    const room = troupe.actor("chatRoom", unique());
    let sent = 0;
    const calls = nc.subscribe(`troupe.*.${room.tokens}.say`, { callback: () => { sent++; } });
    await nc.flush();
    const said = await room.call("say", `@${bot} take your time`);
    assert.equal(said.number, 1);
    assert.deepEqual(asked, ["take your time"]);
    assert.ok(sent > 1, `it was sent ${sent} times`);
    assert.equal((await room.call("look")).count, 2);
    // The host says that it gave up in time, or nobody does.
    await assert.rejects(room.call("say", `@${bot} too slow`, { timeout: 300 }), ({ code }) => ["deadline_exceeded", "outcome_unknown"].includes(code));
    sub.unsubscribe();
    calls.unsubscribe();
  });

  test("a bridge may give calls other reply subjects, and lose replies", async () => {
    let lost = 0;
    const bridge = nc.subscribe("far.route.>", { callback: (_, msg) => {
      const reply = createInbox();
      nc.subscribe(reply, { max: 1, callback: (_, answer) => { if (lost-- <= 0) msg.respond(answer.data, { headers: answer.headers }); } });
      nc.publish(msg.subject.replace("far", "troupe"), msg.data, { reply, headers: msg.headers });
    } });
    const far = new Troupe(nc, { namespace: "far" });
    const inventory = far.actor("inventory", unique());
    for (let i = 1; i <= 5; i++) {
      lost = i % 3;
      assert.equal(await inventory.call("restock", 1), 100 + i);
    }
    await far.close();
    bridge.unsubscribe();
  });

  // "No responders" then arrives when the call has been sent again.
  test("a server may be far away", async () => {
    const { hostname, port } = new URL(process.env.NATS_URL);
    const sockets = new Set();
    const proxy = createServer((near) => {
      const far = createConnection({ host: hostname, port });
      near.pipe(far);
      far.on("data", (data) => setTimeout(() => near.write(data), 250));
      for (const socket of [near, far]) { sockets.add(socket); socket.on("error", () => {}); }
    });
    await once(proxy.listen(0, "127.0.0.1"), "listening");
    const own = await connect({ servers: `127.0.0.1:${proxy.address().port}` });
    const mine = new Troupe(own);
    try {
      await assert.rejects(mine.actor("nobodyPlaysThis").call("anything"), hasCode("unknown_type"));
      assert.equal(await mine.actor("inventory", unique()).call("restock", 1), 101);
    } finally {
      await mine.close();
      await own.close();
      for (const socket of sockets) socket.destroy();
      proxy.close();
    }
  });

  test("an actor that sleeps is woken", async () => {
    const inventory = troupe.actor("inventory", unique());
    await inventory.call("restock", 1);
    await inventory.call("_sleep");
    assert.equal(await inventory.call("stockLeft"), 101);
  });

  test("events arrive in order, and a gap is told", async () => {
    const inventory = troupe.actor("inventory", unique());
    const log = [];
    const subscription = await inventory.subscribe("lowStock", (level) => log.push(level.left), { onGap: ({ missed }) => log.push(`missed ${missed}`) });
    const publish = (position, left) => {
      const h = headers();
      h.set("Troupe-Event", position);
      nc.publish(`troupe.event.${inventory.tokens}.lowStock`, msgpack.encode({ warehouse: "x", left }), { headers: h });
    };
    for (const [position, left] of [["7.1", 1], ["7.2", 2], ["7.2", 2], ["7.5", 5], ["7.4", 4], ["8.6.7", 6]]) publish(position, left);
    await until(() => log.includes(6));
    assert.deepEqual(log, [1, 2, "missed 2", 5, 6]);
    subscription.unsubscribe();
  });

  test("what was missed while NATS was away is told when it is back", async () => {
    const own = await connect({ servers: process.env.NATS_URL, reconnectTimeWait: 50 });
    const mine = new Troupe(own);
    const key = unique();
    const log = [];
    await mine.actor("inventory", key).subscribe("lowStock", (level) => log.push(level.left), { onGap: ({ missed }) => log.push(`missed ${missed}`) });
    const inventory = troupe.actor("inventory", key);
    await inventory.call("reserveStock", 90);
    await until(() => log.length === 1);
    // The subscription is taken away below the client, as a connection that breaks does.
    const [away] = [...own.protocol.subscriptions.subs.values()].filter((s) => s.subject.startsWith("troupe.event."));
    own.protocol.unsubscribe(away);
    await own.flush();
    await inventory.call("restock", 20);
    await inventory.call("reserveStock", 20);
    await own.reconnect();
    await until(() => log.includes("missed 1"));
    assert.deepEqual(log, [10, "missed 1"]);
    await mine.close();
    await own.close();
  });

  test("a connection hears what is for it, and comes back when its actor has slept", async () => {
    const key = unique();
    const enter = async (by, name) => {
      const guest = { heard: [], statuses: [] };
      guest.connection = await by.actor("chatRoom", key).connect({ name }, {
        on: {
          welcome: (view) => guest.heard.push(`welcome ${view.present}`),
          present: (names) => guest.heard.push(`here: ${names}`),
          said: ({ from, text }) => guest.heard.push(`${from}: ${text}`),
        },
        onStatus: (status) => guest.statuses.push(status),
      });
      return guest;
    };
    const ann = await enter(troupe, "Ann");
    const ben = await enter(other, "Ben");
    await ben.connection.call("say", "hello");
    const saidBoth = () => [ann, ben].every((g) => g.heard.includes("Ben: hello"));
    await until(saidBoth);
    assert.deepEqual(ann.heard, ["welcome Ann", "here: Ann,Ben", "Ben: hello"], "others, and in order");
    assert.deepEqual(ben.heard, ["welcome Ann,Ben", "Ben: hello"], "what the others are told of Ben is not for Ben");

    await troupe.actor("chatRoom", key).call("_sleep");
    await until(() => [ann, ben].every((g) => g.statuses.at(-1) === "connected" && g.statuses.includes("reconnecting")));
    await until(async () => (await troupe.actor("chatRoom", key).call("look")).present.length === 2);
    await ann.connection.call("say", "still here");
    await until(() => ben.heard.includes("Ann: still here"));

    await ann.connection.close();
    await until(() => ben.heard.includes("here: Ben"));
    assert.equal(ann.statuses.at(-1), "closed");
    await assert.rejects(ann.connection.call("say", "anybody?"), hasCode("disconnected"));
    await ben.connection.close();
    await assert.rejects(troupe.actor("chatRoom", key).connect({ name: "" }), hasCode("bad_name"));
  });

  test("hosts that ask are answered, and told what is given up", async () => {
    const mine = new Troupe(nc);
    const connection = await mine.actor("chatRoom", unique()).connect({ name: "Ann" });
    assert.equal((await nc.request(`${mine.connections.inbox}._ping`)).data.length, 0);
    await connection.close();
    nc.publish(`${mine.connections.inbox}.${connection.id}.said`); // of an actor that does not know
    assert.deepEqual(msgpack.decode((await nc.request(`${mine.connections.inbox}._ping`)).data), [connection.id]);
    await mine.close();
  });
});
