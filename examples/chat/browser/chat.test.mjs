// Two tabs of a real browser. $CHAT is the program of the example, $CHROMIUM the browser; `go test ./examples/chat` sets
// both.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const patience = 30_000;
const skip = process.env.CHAT && process.env.CHROMIUM ? false : "CHAT or CHROMIUM is not set";
let browser, data, page;

/** Starts the program, the first time at any port and then where it was. */
async function startChat() {
  const program = spawn(process.env.CHAT, ["--serve", "--quiet", "--listen", "127.0.0.1:0", "--data", data],
    { env: { ...process.env, NATS_URL: "", NATS_CONTEXT: "", TROUPE_PAGE: page ? new URL(page).host : "127.0.0.1:0" }, stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: program.stdout })) {
    const [url] = line.match(/http:\S+/) ?? [];
    if (url) { page = url; program.stdout.resume(); return program; }
  }
  throw new Error("the chat did not come up");
}

async function end(program, signal) {
  const exited = once(program, "exit");
  program.kill(signal);
  await exited;
}

before(async () => {
  if (skip) return;
  data = await mkdtemp(join(tmpdir(), "chat-"));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
});
after(async () => {
  await browser?.close();
  if (data) await rm(data, { recursive: true });
});

/** Opens a tab and comes in. */
async function enter(context, name) {
  const tab = await context.newPage();
  tab.setDefaultTimeout(patience);
  tab.errors = [];
  tab.on("pageerror", (error) => tab.errors.push(error));
  await tab.goto(page);
  await tab.fill("#name", name);
  await tab.press("#name", "Enter");
  await tab.waitForSelector("#say:not([hidden])");
  return tab;
}

async function say(tab, text) {
  await tab.fill("#text", text);
  await tab.press("#text", "Enter");
}

const hears = (tab, text) => tab.waitForSelector(`#messages p:text-is("${text}")`);
const sees = (tab, ...people) => tab.waitForFunction(
  (want) => Array.from(document.querySelectorAll("#people li"), (li) => li.textContent).sort().join() === want, people.sort().join());
const isStatus = (tab, status) => tab.waitForSelector(`#status[data-status=${status}]`);
const counts = (tab, n) => tab.waitForFunction((want) => document.getElementById("count").textContent === want, String(n));

test("two tabs chat, and outlive the program", { skip, timeout: 180_000 }, async () => {
  let chat = await startChat();
  try {
    const context = await browser.newContext();
    const ann = await enter(context, "Ann");
    const ben = await enter(context, "Ben");
    await sees(ann, "Ann", "Ben");
    await sees(ben, "Ann", "Ben");

    await say(ann, "Hello, Ben!");
    await hears(ben, "Hello, Ben!");
    await say(ben, "<b>Hello</b>, Ann.");
    await hears(ann, "<b>Hello</b>, Ann."); // as it was typed, and no markup
    await hears(ann, "Hello, Ben!");
    for (const tab of [ann, ben]) await counts(tab, 2);

    await say(ann, "@nobody are you there?");
    await ann.waitForSelector("#error:text-is('there is no such bot here')");
    await counts(ben, 2);

    const cleo = await enter(context, "Cleo"); // comes late, and sees what was said
    await hears(cleo, "Hello, Ben!");
    await sees(ann, "Ann", "Ben", "Cleo");
    const left = Date.now();
    await cleo.close();
    await sees(ann, "Ann", "Ben"); // it has said goodbye
    assert.ok(Date.now() - left < 15_000, "at the latest when the host has asked for it twice");

    for (const signal of ["SIGKILL", "SIGTERM"]) {
      await end(chat, signal);
      await isStatus(ann, "reconnecting");
      chat = await startChat();
      for (const tab of [ann, ben]) {
        await isStatus(tab, "connected");
        await sees(tab, "Ann", "Ben");
      }
      await say(ben, `Still here after ${signal}?`);
      await hears(ann, `Still here after ${signal}?`);
      await hears(ann, "Hello, Ben!");
    }
    await counts(ann, 4);

    await ben.reload(); // the tab knows who it is
    await hears(ben, "Hello, Ben!");
    await sees(ann, "Ann", "Ben");
    assert.deepEqual([...ann.errors, ...ben.errors], []);
  } finally {
    await end(chat, "SIGKILL");
  }
});
