// Two tabs of a real browser. $CHAT is the program of the example, $CHROMIUM the browser; `go test ./examples/chat` sets
// both.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";

const patience = 30_000;
const skip = process.env.CHAT && process.env.CHROMIUM ? false : "CHAT or CHROMIUM is not set";
let browser;

/** The program of the example. It can be started again, where it was and with its data. */
class Chat {
  async start() {
    this.data ??= await mkdtemp(join(tmpdir(), "chat-"));
    const env = { ...process.env, NATS_URL: "", NATS_CONTEXT: "", TROUPE_PAGE: this.page ? new URL(this.page).host : "127.0.0.1:0" };
    this.program = spawn(process.env.CHAT, ["--serve", "--quiet", "--listen", "127.0.0.1:0", "--data", this.data],
      { env, stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: this.program.stdout })) {
      [this.page = this.page] = line.match(/http:\S+/) ?? [];
      if (line.includes("nats req")) return; // the last line
    }
    throw new Error("the chat did not come up");
  }

  async end(signal) {
    if (this.program.exitCode !== null || this.program.signalCode !== null) return;
    const exited = once(this.program, "exit");
    this.program.kill(signal);
    await exited;
  }

  async remove() {
    await this.end("SIGKILL");
    await rm(this.data, { recursive: true });
  }
}

before(async () => {
  if (skip) return;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
});
after(() => browser?.close());

/** Opens a tab and comes in. */
async function enter(chat, context, name) {
  const tab = await context.newPage();
  tab.setDefaultTimeout(patience);
  tab.errors = [];
  tab.on("pageerror", (error) => tab.errors.push(error));
  await tab.goto(chat.page);
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

describe("chat", { skip, concurrency: true, timeout: 180_000 }, () => {
  test("two tabs chat, and outlive the program", async (t) => {
    const chat = new Chat();
    await chat.start();
    t.after(() => chat.remove());
    const context = await browser.newContext();
    const ann = await enter(chat, context, "Ann");
    const ben = await enter(chat, context, "Ben");
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

    for (const signal of ["SIGKILL", "SIGTERM"]) {
      await chat.end(signal);
      await isStatus(ann, "reconnecting");
      await chat.start();
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
  });

  test("who is there is known", async (t) => {
    const chat = new Chat();
    await chat.start();
    t.after(() => chat.remove());
    const context = await browser.newContext();
    const ann = await enter(chat, context, "Ann");
    const dora = await enter(chat, await browser.newContext(), "Dora");
    const cleo = await enter(chat, context, "Cleo");
    await sees(ann, "Ann", "Dora", "Cleo");
    await cleo.close(); // says goodbye
    await sees(ann, "Ann", "Dora");
    const session = await dora.context().newCDPSession(dora);
    session.send("Page.crash").catch(() => {}); // does not
    await sees(ann, "Ann"); // documented are 15 s
  });
});
