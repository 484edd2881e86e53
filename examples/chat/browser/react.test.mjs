// The page of examples/react in a real browser. $PAGE is where it is, $BUS the WebSocket of a server with a room, $CHROMIUM the
// browser; `go test ./examples/chat` sets them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";

const { PAGE, BUS, CHROMIUM } = process.env;
const skip = PAGE && BUS && CHROMIUM ? false : "PAGE, BUS or CHROMIUM is not set";

/** A way to the bus whose connections can fall silent, as those of a phone do that changes networks: new ones work. */
class Path {
  open = new Set();

  async start() {
    const { hostname, port } = new URL(BUS);
    this.server = createServer((near) => {
      const far = createConnection({ host: hostname, port });
      const one = { near, far, silent: false };
      this.open.add(one);
      for (const [from, onto] of [[near, far], [far, near]]) {
        from.on("error", () => {}).on("close", () => { if (!one.silent) onto.destroy(); }).on("data", (data) => { if (!one.silent) onto.write(data); });
      }
    });
    await once(this.server.listen(0, "127.0.0.1"), "listening");
    this.url = `ws://127.0.0.1:${this.server.address().port}`;
  }

  fallSilent() { for (const one of this.open) one.silent = true; }

  stop() {
    this.server.close();
    for (const { near, far } of this.open) { near.destroy(); far.destroy(); }
  }
}

describe("the page in React", { skip, timeout: 120_000 }, () => {
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] }); });
  after(() => browser?.close());

  async function enter(name, bus = BUS) {
    const tab = await browser.newPage();
    tab.setDefaultTimeout(30_000);
    tab.errors = [];
    tab.on("pageerror", (error) => tab.errors.push(error.message));
    await tab.goto(`${PAGE}/?${new URLSearchParams({ name, bus })}`);
    await isStatus(tab, "connected");
    return tab;
  }
  const isStatus = (tab, status) => tab.locator(`[data-status=${status}]`).waitFor();
  const hears = (tab, text) => tab.locator("li", { hasText: text }).waitFor();
  const here = (tab, names) => tab.locator("[role=status]", { hasText: `here: ${names}` }).waitFor();
  async function say(tab, text) {
    await tab.getByLabel("Message").fill(text);
    await tab.getByRole("button", { name: "Send" }).click();
  }

  test("its hooks connect, call, hear, tell of errors, and leave", async () => {
    const ann = await enter("Ann");
    await here(ann, "Ann"); // once, though StrictMode mounts twice
    const ben = await enter("Ben");
    await here(ann, "Ann, Ben");
    await say(ann, "hello");
    await hears(ben, "Ann: hello");
    await ben.locator("[role=status]", { hasText: "1 said" }).waitFor();
    await say(ben, "@nobody are you there?");
    await ben.getByRole("alert").filter({ hasText: "there is no such bot here" }).waitFor();
    await ben.getByRole("button", { name: "Leave" }).click();
    await here(ann, "Ann");
    await ben.getByRole("button", { name: "Come in" }).click();
    await here(ann, "Ann, Ben");
    assert.deepEqual([...ann.errors, ...ben.errors], []);
    await ann.close();
    await ben.close();
  });

  test("a change of the network costs it seconds", async (t) => {
    const path = new Path();
    await path.start();
    t.after(() => path.stop());
    const ann = await enter("Cleo", path.url), ben = await enter("Dora");
    await here(ann, "Cleo, Dora");
    path.fallSilent();
    const began = performance.now();
    await say(ann, "from the other network");
    await hears(ben, "from the other network"); // without pings of ours it takes minutes
    t.diagnostic(`a call took ${Math.round(performance.now() - began)} ms`);
    await hears(ann, "from the other network");
    await isStatus(ann, "connected");
    await say(ben, "are you there?");
    await hears(ann, "are you there?");
    t.diagnostic(`all is as before after ${Math.round(performance.now() - began)} ms`);
  });
});
