// A page of a tenant in a real browser, as deploy/auth.conf allows it to be one. $PAGES is where its modules are, $BUS the WebSocket of
// a server, $CHROMIUM the browser; `go test ./examples/chat` sets all three.

import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";

const skip = process.env.PAGES && process.env.BUS && process.env.CHROMIUM ? false : "PAGES, BUS or CHROMIUM is not set";

describe("a page of a tenant", { skip, concurrency: true, timeout: 120_000 }, () => {
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] }); });
  after(() => browser?.close());

  // run runs a function of roles.mjs in a page.
  async function run(name, ...args) {
    const page = await browser.newPage();
    await page.goto(process.env.PAGES);
    await page.evaluate(async ([servers, name, args]) => {
      const { wsconnect } = await import("@nats-io/nats-core");
      const roles = await import("/troupe/roles.mjs");
      const nc = await wsconnect({ servers, user: "page", pass: "secret", inboxPrefix: "_INBOX.page", ignoreClusterUpdates: true });
      await roles[name](nc, ...args);
      await nc.close();
    }, [process.env.BUS, name, args]);
  }

  test("keeps its connections while it is silent", () => run("overTime", 18_000)); // those that do not answer are gone after 15 s
  test("is denied all else", () => run("beyond"));
});
