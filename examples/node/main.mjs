// Drives the actors of the examples from Node, whichever of them are up: see the README.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { connect, json, msgpack, TroupeError } from "@troupe-go/client";

const { values: flags } = parseArgs({
  options: {
    json: { type: "boolean" }, // JSON instead of msgpack
    results: { type: "string" }, // a file for what was answered, for tests
  },
});

const done = (text) => console.log(`  ✓ ${text}`);
const refused = (text) => console.log(`  ✗ ${text}`);
const euros = (cents) => `€${(cents / 100).toFixed(2)}`;

/** What an actor refuses is part of the story. Any other error ends it. */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    if (error.fromActor) return error;
    throw error;
  }
  throw new Error("the actor should have refused that");
}

/** `heard` resolves to the first payload that `wanted` accepts. `hear` is a handler of events. */
function listenFor(wanted) {
  let hear;
  const heard = new Promise((resolve) => { hear = (payload) => { if (wanted(payload)) resolve(payload); }; });
  return { hear, heard };
}

/** Waits for something, but not for ever. */
function soon(promise) {
  let timer;
  const tooLate = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("no such event within 10 s")), 10_000); });
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}

async function orders(troupe) {
  const inventory = troupe.actor("inventory", "main");
  let stock = await inventory.call("stockLeft");
  if (stock < 100) stock = await inventory.call("restock", 100 - stock);
  const order = { id: "node-" + Date.now(), customerId: "nora", quantity: 5, amount: 99_50 };
  const result = await troupe.actor("orderProcessor", "eu").call("processOrder", order);
  done(`Nora has ${order.quantity} pieces for ${euros(order.amount)}, paid with ${result.paymentResult.transactionId}`);

  const error = await refusal(inventory.call("reserveStock", 5000));
  refused(`5000 more: ${error.code}, ${error.metadata.left} left`);

  const { hear, heard } = listenFor(() => true);
  const subscription = await inventory.subscribe("lowStock", hear);
  const reservation = await inventory.call("reserveStock", error.metadata.left - 7, { requestId: order.id });
  await inventory.call("reserveStock", error.metadata.left - 7, { requestId: order.id }); // sent twice, done once
  const low = await soon(heard);
  subscription.unsubscribe();
  done(`the warehouse ${low.warehouse} tells everybody that it has only ${low.left} left`);
  await inventory.call("releaseStock", reservation);
  return { order, result, error: { code: error.code, metadata: error.metadata }, low };
}

async function workflow(troupe) {
  const coordinator = troupe.actor("workflow", "main");
  const job = { workflowId: "turin", readings: "21.5 23 22" };
  const result = await coordinator.call("executeWorkflow", job);
  done(`Turin went through three actors: ${result.mean.toFixed(1)} °C on average`);
  const error = await refusal(coordinator.call("executeWorkflow", { workflowId: "lyon", readings: "12 l3" }));
  refused(`Lyon: ${error.code}, "${error.metadata.word}" is no number`);
  return { job, result, error: { code: error.code, metadata: error.metadata } };
}

async function analytics(troupe) {
  for (const [type, value] of [["userMetrics", 31], ["orderMetrics", 250], ["systemMetrics", 97]]) {
    await troupe.actor(type, "main").call("record", value);
  }
  const report = await troupe.actor("analytics", "main").call("generateReport", "from Node");
  done(`a report of three actors' numbers: ${report.data.orders.count} orders of ${report.data.orders.total} in all`);
  return { report };
}

async function audit(troupe) {
  const log = troupe.actor("auditLog", "main");
  await log.call("startAuditing");
  const { hear, heard } = listenFor((entry) => entry.user?.name === "Nora");
  const subscription = await log.subscribe("logged", hear);
  const user = await troupe.actor("users", "main").call("createUser", "Nora");
  const entry = await soon(heard);
  subscription.unsubscribe();
  done(`the audit log has heard that ${entry.user.name} has joined, at ${new Date(entry.timestamp).toLocaleTimeString()}`);
  return { user, entry };
}

async function batch(troupe) {
  const items = ["pdf", "png", "svg"].flatMap((type) => Array.from({ length: 100 }, (_, i) => ({ type, data: `${type} of Nora, number ${i}` })));
  const began = performance.now();
  const results = await Promise.all(items.map((item) => troupe.actor("processor", item.type).call("process", item)));
  done(`${results.length} items processed by 3 actors in ${Math.round(performance.now() - began)} ms`);
  const error = await refusal(troupe.actor("processor", "pdf").call("process", items.at(-1)));
  refused(`a picture for the one who does pdf: ${error.code}, it takes ${error.metadata.takes}`);
  return { result: results.at(-1), error: { code: error.code, metadata: error.metadata } };
}

async function carts(troupe) {
  const cart = troupe.actor("cart", "node-" + Date.now());
  const { hear, heard } = listenFor(() => true);
  const subscription = await cart.subscribe("expired", hear);
  const { pieces } = await cart.call("add", { name: "tea", price: 4_90 });
  // It has scheduled that it expires in half an hour. What is scheduled under the same name replaces that.
  await cart.call("_schedule", { name: "expiry", action: "expire", after: 300 });
  const [{ name, at }] = await cart.call("_schedules");
  done(`what the cart has scheduled as ${name} is due in ${Number(at) - Date.now()} ms now`);
  const expired = await soon(heard);
  subscription.unsubscribe();
  refused(`nobody has paid: ${expired.pieces.length} piece for ${euros(expired.total)} is back on the shelf`);
  return { pieces, expired, cart: cart.key[0] };
}

async function saga(troupe) {
  const number = "node-" + Date.now();
  const checkout = troupe.actor("checkout", number);
  const order = { customer: "nora", pieces: 1, cents: 49_00, to: "Turin" };
  await checkout.call("place", order); // starts the workflow; from here on it goes on by itself
  const receipt = await checkout.result("place");
  done(`a hat for Nora: ${euros(receipt.cents)}, ${receipt.transaction}`);
  const moon = troupe.actor("checkout", number + "-moon");
  await moon.call("place", { ...order, to: "the Moon" });
  const error = await refusal(moon.result("place"));
  const { steps } = await moon.call("_workflow");
  refused(`one to the Moon: ${error.code}; ${steps.map(({ name }) => name).join(", ")}`);
  return { number, receipt, error: { code: error.code, metadata: error.metadata }, steps: steps.map(({ name }) => name) };
}

async function mail(troupe) {
  const mailer = troupe.actor("mailer", "node-" + Date.now());
  await mailer.call("repair", "nobody@example.com");
  const sent = await mailer.events("sent");
  for (let i = 0; i < 3; i++) await mailer.push("send", { to: "nora@example.com", text: "hello" }, { id: "welcome" }); // one takes effect
  for await (const { payload: { letter, sent: number } } of sent) {
    done(`letter ${number} of a queue is out: ${letter.text}, ${letter.to}`);
    return { letter, number };
  }
}

async function approval(troupe) {
  const expense = troupe.actor("expense", "node-" + Date.now());
  await expense.call("approve", { who: "Nora", what: "a lamp", cents: 29_00 });
  await expense.call("decided", { by: "Olga", ok: true }); // a signal
  const outcome = await expense.result("approve");
  done(`a lamp for Nora: ${outcome}`);
  return { outcome };
}

async function chat(troupe) {
  // A bot is a plain NATS service: the room, an actor in Go, makes a request, and we answer. No Troupe is in this.
  const bot = troupe.nc.subscribe("chat.bot.node", {
    callback: (_, question) => {
      const numbers = question.string().match(/-?\d+(\.\d+)?/g) ?? [];
      question.respond(`that makes ${numbers.reduce((sum, n) => sum + Number(n), 0)}`);
    },
  });
  const { hear, heard } = listenFor(({ from, text }) => from === "node" && text === "that makes 42");
  let welcomed;
  const lobby = await troupe.actor("chatRoom", "lobby").connect({ name: "Nora" }, {
    on: { welcome: (view) => { welcomed = view; }, said: hear },
  });
  const said = await lobby.call("say", "@node 19 and 23");
  const answer = await soon(heard);
  done(`in the lobby with ${welcomed.present.join(", ")}: ${said.text} — ${answer.text}, says the bot ${answer.from}`);
  const words = [];
  for await (const word of troupe.actor("chatRoom", "lobby").stream("recap")) { // read out, until we have heard enough
    if (words.push(word) === 4) break;
  }
  done(`read out: ${words.join(" ")} ...`);
  await lobby.close();
  bot.unsubscribe();
  return { said, answer };
}

const troupe = await connect({ servers: process.env.NATS_URL || "nats://127.0.0.1:4222", name: "examples/node", codec: flags.json ? json : msgpack });
const results = {};
for (const [name, drive] of Object.entries({ orders, workflow, analytics, audit, batch, carts, saga, approval, mail, chat })) {
  console.log(`\n  ${name}`);
  try {
    results[name] = await drive(troupe);
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== "unknown_type") throw error;
    refused(`nobody plays it: go run ./examples/${name} --serve`);
  }
}
console.log();
if (flags.results) await writeFile(flags.results, JSON.stringify(results));
await troupe.close();
