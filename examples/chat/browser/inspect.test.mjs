// The pages of package inspect in a real browser. $PAGES is where they are, $TOKEN lets them change
// things, $PICTURES where pictures of them go, $CHROMIUM the
// browser; `go test ./examples/chat` sets them. One order hangs there, shop/1234.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";

const { PAGES, TOKEN, PICTURES, CHROMIUM } = process.env;
const skip = PAGES && PICTURES && CHROMIUM ? false : "PAGES, PICTURES or CHROMIUM is not set";
const patience = 60_000;

describe("the pages of inspect", { skip, timeout: 240_000 }, () => {
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] }); });
  after(() => browser?.close());

  async function open(options = {}) {
    const context = await browser.newContext(options);
    const tab = await context.newPage();
    tab.setDefaultTimeout(patience);
    tab.complaints = [];
    tab.on("pageerror", (error) => tab.complaints.push(error.message));
    tab.on("console", (message) => message.type() === "error" && tab.complaints.push(message.text()));
    tab.on("dialog", (dialog) => { tab.complaints.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
    return tab;
  }

  const picture = (tab, name) => tab.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  const fits = async (tab) => assert.ok(await tab.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${tab.url()} is too wide`);

  /** Waits until the main part of the page is another one. */
  async function renewed(tab) {
    await tab.evaluate(() => { document.getElementById("main").seen = true; });
    await tab.waitForFunction(() => !document.getElementById("main").seen);
  }

  test("the order that hangs is found", async () => {
    const tab = await open({ viewport: { width: 1280, height: 900 } });
    await tab.goto(PAGES);
    const row = tab.locator("#running tr", { hasText: "order/shop/1234" });
    await row.waitFor();
    for (let i = 0; i < 3; i++) await renewed(tab); // rates and charts begin
    await tab.locator("figure svg").first().waitFor();
    await picture(tab, "overview");
    const link = row.getByRole("link");
    await link.focus();
    await renewed(tab);
    assert.equal(await tab.evaluate(() => document.activeElement.textContent), "order/shop/1234"); // it keeps the focus
    await tab.keyboard.press("Enter");
    await tab.locator("#runs", { hasText: "action pay" }).waitFor();
    await picture(tab, "actor");
    await tab.getByRole("link", { name: "where it is" }).click();
    await tab.locator("pre.stack", { hasText: "waitForBank" }).waitFor();
    await picture(tab, "stack");
    assert.deepEqual(tab.complaints, []);
  });

  test("all pages are readable, also on a phone and in the dark", async () => {
    for (const [name, options] of Object.entries({
      phone: { viewport: { width: 390, height: 844 } },
      dark: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
    })) {
      const tab = await open(options);
      for (const [page, path] of Object.entries({
        overview: "", type: "type?name=order", longer: "type?name=order&longer=1s", workflow: "actor?type=order&key=shop/17",
        failures: "failures", stuck: "stuck", queues: "queues?type=order&key=shop/17", history: "history?type=order&key=shop/17",
        neighbours: "neighbours?type=customer&key=bob", events: "events?type=order&key=busy",
      })) {
        await tab.goto(`${PAGES}/${path}`);
        await fits(tab);
        await picture(tab, `${name}-${page}`);
      }
      await tab.goto(PAGES);
      await tab.locator("#hosts + .scroll a").first().click();
      await tab.locator("#now").waitFor();
      await fits(tab);
      await picture(tab, `${name}-host`);
      assert.deepEqual(tab.complaints, []);
    }
  });

  test("a hostile key is a text", async () => {
    const tab = await open();
    await tab.goto(`${PAGES}/failures`);
    await tab.locator("#own").waitFor();
    await tab.getByRole("link", { name: "=3Cscript=3E" }).first().click();
    await tab.locator("pre", { hasText: "<img src=x onerror=alert(2)>" }).waitFor();
    await fits(tab);
    await picture(tab, "hostile");
    for (const [name, shown] of Object.entries({
      Queues: "#letters", History: "#history details", Neighbours: "#calls", Events: "#listening",
    })) {
      await tab.getByRole("link", { name, exact: true }).click();
      await tab.locator(shown).first().waitFor();
      await fits(tab);
      await picture(tab, `hostile-${name}`);
    }
    assert.deepEqual(tab.complaints, []);
  });

  test("an order is called, edited and destroyed by who has the token", async () => {
    const tab = await open({ viewport: { width: 1280, height: 900 } });
    await tab.goto(`${PAGES}/actor?type=order&key=new`);
    assert.equal(await tab.locator("#act").count(), 0);
    await tab.goto(`${PAGES}/?token=${TOKEN}`);
    assert.equal(tab.url(), `${PAGES}/`); // and it is not in the history
    tab.complaints.length = 0; // of the actor that was not there
    await tab.goto(`${PAGES}/act?type=order&key=new`);
    await tab.getByLabel("Action").fill("put");
    await tab.getByLabel("Input, as JSON").fill('"hat"');
    await picture(tab, "act");
    await tab.getByRole("button", { name: "Call" }).click();
    await tab.locator("#output", { hasText: "1" }).waitFor();
    await tab.reload(); // sends the form again
    await tab.locator("#output", { hasText: "1" }).waitFor();
    await tab.getByRole("link", { name: "Do more" }).click();
    const state = tab.getByLabel("State, as JSON");
    await state.fill((await state.inputValue()).replace("hat", "scarf"));
    await tab.getByRole("button", { name: "Replace" }).click();
    await tab.getByText("The state is stored").waitFor();
    await tab.getByRole("link", { name: "order new" }).click();
    await tab.locator("pre", { hasText: "scarf" }).waitFor();
    await tab.getByRole("link", { name: "Call or change it" }).click();
    await tab.getByLabel("with all its state").check();
    await tab.getByRole("button", { name: "Destroy" }).click();
    await tab.getByText("It is destroyed").waitFor();
    await picture(tab, "done");
    assert.deepEqual(tab.complaints, []);
  });

  test("events are heard while their page is open", async () => {
    const tab = await open({ viewport: { width: 1280, height: 900 } });
    await tab.goto(`${PAGES}/events?type=order&key=busy`);
    await tab.locator("#events tr", { hasText: '"hat"' }).nth(3).waitFor();
    await tab.locator("#listening", { hasText: "Listening" }).waitFor();
    await picture(tab, "events");
    await tab.waitForFunction(() => document.querySelectorAll("#events tbody tr").length === 200);
    const [row] = await tab.locator("#events tbody tr").all();
    assert.match(await row.innerText(), /\d\d:\d\d:\d\d\.\d{3}\s+added\s+"hat"/);
    assert.deepEqual(tab.complaints, []);
  });

  test("neighbours lead to neighbours", async () => {
    const tab = await open({ viewport: { width: 1280, height: 900 } });
    await tab.goto(`${PAGES}/neighbours?type=customer&key=bob`);
    await picture(tab, "neighbours");
    await tab.locator("svg a", { hasText: "=3Cscript" }).first().click();
    await tab.locator("#key", { hasText: "=3Cscript=3E" }).waitFor();
    await tab.locator("svg a", { hasText: "customer/ann" }).waitFor();
    await picture(tab, "neighbours-hostile");
    assert.deepEqual(tab.complaints, []);
  });

  test("a dead letter is sent again, a workflow canceled and a host drained by who has the token", async () => {
    const tab = await open({ viewport: { width: 1280, height: 900 } });
    await tab.goto(`${PAGES}/queues?type=order&key=shop/17`);
    await tab.locator("#letters", { hasText: "the bank is closed" }).waitFor();
    assert.equal(await tab.getByRole("link", { name: "Retry" }).count(), 0);
    await tab.goto(`${PAGES}/?token=${TOKEN}`);
    await tab.goto(`${PAGES}/queues?type=order&key=shop/17`);
    await picture(tab, "queues");
    await tab.getByRole("link", { name: "Retry" }).click();
    await picture(tab, "confirm");
    await tab.getByRole("button", { name: "Retry" }).click();
    await tab.getByText("It is handled again").waitFor();
    await tab.getByRole("link", { name: "order shop/17" }).click();
    await tab.getByRole("link", { name: "Cancel" }).click();
    await tab.getByLabel("Why").fill("Ann has moved");
    await tab.getByRole("button", { name: "Cancel the workflow" }).click();
    await tab.getByText("It is to end").waitFor();
    await tab.getByRole("link", { name: "order shop/17" }).click();
    await tab.locator("#workflow", { hasText: "canceled" }).waitFor();
    await picture(tab, "canceled");
    await tab.goto(PAGES);
    await tab.locator("#hosts + .scroll a").first().click();
    await tab.getByRole("link", { name: "Drain it" }).click();
    await tab.getByText("Drain this host?").waitFor();
    await picture(tab, "drain");
    await tab.getByRole("link", { name: "Not now" }).click(); // the other tests need it
    await tab.locator("#now").waitFor();
    assert.deepEqual(tab.complaints, []);
  });

  test("a program that is away is told, and that it is back", async () => {
    const tab = await open();
    await tab.goto(PAGES);
    await renewed(tab);
    await tab.context().setOffline(true);
    await tab.locator("#lost:not([hidden])").waitFor();
    await picture(tab, "lost");
    await tab.context().setOffline(false);
    await tab.locator("#lost[hidden]").waitFor({ state: "attached" });
  });
});
