// A page of a tenant in a real browser, as deploy/auth.conf allows it to be one. $PAGES is where its modules are, $BUS the WebSocket of
// a server, $CHROMIUM the browser, and $COOKIE, if it is set, what lets a guest in; `go test ./examples/chat` sets them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";

const skip = process.env.PAGES && process.env.BUS && process.env.CHROMIUM ? false : "PAGES, BUS or CHROMIUM is not set";

describe("a page of a tenant", { skip, concurrency: true, timeout: 120_000 }, () => {
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] }); });
  after(() => browser?.close());

  // run runs a function of roles.mjs in a page of a browser with these cookies.
  async function run(as, cookies, name, ...args) {
    const context = await browser.newContext();
    await context.addCookies(cookies.map((value) => ({ name: "session", value, url: process.env.PAGES, httpOnly: true, sameSite: "Strict" })));
    const page = await context.newPage();
    await page.goto(process.env.PAGES);
    await page.evaluate(async ([servers, as, name, args]) => {
      const { connect } = await import("@troupe-go/client");
      const roles = await import("/troupe/test/roles.js");
      await roles[name]((options) => connect({ servers, ...as, ...options }), ...args);
    }, [process.env.BUS, as, name, args]);
    await context.close();
  }

  const cookie = process.env.COOKIE;
  const page = { user: "page", pass: "secret", inboxPrefix: "_INBOX.page" }, guest = { inboxPrefix: "_INBOX.org1.ann" };
  describe("with a password", { skip: cookie && "COOKIE is set", concurrency: true }, () => {
    test("reads streams", () => run(page, [], "reads"));
    test("keeps its connections while it is silent", () => run(page, [], "overTime", 18_000)); // who does not answer is gone after 15 s
    test("is denied all else", () => run(page, [], "beyond"));
  });
  describe("with a cookie", { skip: !cookie && "COOKIE is not set", concurrency: true }, () => {
    test("comes back when its JWT has run out", () => run(guest, [cookie], "comesBack", 3));
    test("is denied all else", () => run(guest, [cookie], "beyond"));
    test("does not come in without", async () => {
      await assert.rejects(run(guest, [], "beyond"), /authorization/i);
      await assert.rejects(run(guest, [cookie.replace("org1", "org2")], "beyond"), /authorization/i);
    });
  });
});
