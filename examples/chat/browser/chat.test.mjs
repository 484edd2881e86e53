// Two tabs of a real browser. $CHAT is the program of the example, $CHROMIUM the browser; `go test ./examples/chat` sets
// both.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
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

const hears = (tab, text) => tab.waitForSelector(`#messages p :text-is("${text}")`);
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

    await ann.click("#recap"); // read out word by word
    await ann.waitForFunction(() => document.getElementById("told").textContent.startsWith("Ann: Hello, Ben! Ben: "));
    await ann.waitForSelector("#recap:text-is('Recap')"); // to its end
    assert.match(await ann.textContent("#told"), /Still here after SIGTERM\? $/);
    await say(ben, `${"word ".repeat(190)}end`);
    await counts(ann, 5);
    await ann.click("#recap");
    await ann.waitForFunction(() => document.getElementById("told").textContent !== "");
    await ann.click("#recap:text-is('Stop')");
    await ann.waitForSelector("#recap:text-is('Recap')");
    assert.doesNotMatch(await ann.textContent("#told"), /end/);

    await ben.reload(); // the tab knows who it is
    await hears(ben, "Hello, Ben!");
    await sees(ann, "Ann", "Ben");
    assert.deepEqual([...ann.errors, ...ben.errors], []);
  });

  test("a phone has room for what is said, and everybody can read and use it", async (t) => {
    const chat = new Chat();
    await chat.start();
    t.after(() => chat.remove());
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport: { width: 360, height: 640 }, colorScheme, hasTouch: true, isMobile: true });
      const ann = await enter(chat, context, "Ann");
      assert.equal(await ann.evaluate(() => document.activeElement.id), "text");
      await ann.evaluate(async () => {
        const { connect } = await import("@troupe-go/client");
        const url = new URL("bus", location.href);
        url.protocol = "ws:";
        window.others = await connect({ servers: url.href });
        const names = ["\u202egnp.exe", "\u200b", "A\u200bnn", "👩\u200d🚀", "שלום", "a name of twenty letters", ...Array.from("BCDEFGHI", (letter) => `${letter}en`)];
        const guests = await Promise.all(names.map((name) => window.others.actor("chatRoom", "lobby").connect({ name })));
        for (const guest of guests) await guest.call("say", "\u202eHello, this is a message that is longer than a line of a phone.");
      });
      await ann.waitForFunction(() => document.querySelectorAll("#people li").length === 15 && document.getElementById("here").textContent === "15");
      await ann.waitForFunction(() => document.querySelectorAll("#messages li").length >= 14);
      const { height, wide, hidden } = await ann.evaluate(() => ({
        height: document.getElementById("messages").clientHeight, wide: document.documentElement.scrollWidth - innerWidth,
        hidden: Array.from(document.querySelectorAll("#people, #messages small")).some((shown) => /\p{Cf}/u.test(shown.textContent.replace("👩\u200d🚀", ""))),
      }));
      assert.ok(height >= 400, `the messages have ${height} px`);
      assert.ok(wide <= 0, `it is ${wide} px too wide`);
      assert.ok(!hidden, "what nobody sees is shown");
      await ann.addScriptTag({ path: createRequire(import.meta.url).resolve("axe-core/axe.min.js") });
      const { violations } = await ann.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).join()}`), []);
      if (process.env.PICTURES) await ann.screenshot({ path: join(process.env.PICTURES, `phone-${colorScheme}.png`) });
      for (const [keys, focus] of [["Shift+Tab", "messages"], ["Tab", "text"]]) { // with a keyboard alone
        await ann.keyboard.press(keys);
        assert.equal(await ann.evaluate(() => document.activeElement.id), focus);
      }
      await ann.keyboard.type("typed");
      await ann.keyboard.press("Enter");
      await hears(ann, "typed");
      await ann.evaluate(() => window.others.close());
      assert.deepEqual(ann.errors, []);
      await context.close();
    }
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
