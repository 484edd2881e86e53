// A page that hears events by the gateway, with the EventSource of a real browser. $PAGE is where it is, $CONTROL whom to tell what becomes
// of its server, $CHROMIUM the browser; `go test ./examples/chat` sets them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";

const { PAGE, CONTROL, CHROMIUM } = process.env;
const skip = PAGE && CONTROL && CHROMIUM ? false : "PAGE, CONTROL or CHROMIUM is not set";

describe("an EventSource", { skip, timeout: 60_000 }, () => {
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] }); });
  after(() => browser?.close());

  const tell = async (what) => { assert.equal((await fetch(`${CONTROL}/${what}`, { method: "POST" })).status, 200, what); };
  const write = async (from, to) => { for (let i = from; i <= to; i++) await tell(`write/${i}`); };

  test("goes on by its last id when its server was gone", async () => {
    const page = await browser.newPage();
    await page.goto(PAGE);
    await page.evaluate(() => {
      window.heard = { written: [], typed: [], gaps: [], errors: 0 };
      const source = new EventSource("/actors/diary/anna/written,typed");
      source.onopen = () => { window.begun = true; };
      source.onerror = () => { heard.errors++; };
      for (const name of ["written", "typed"]) source.addEventListener(name, ({ data }) => heard[name].push(JSON.parse(data)));
      source.addEventListener("_gap", ({ data }) => heard.gaps.push(JSON.parse(data)));
    });
    await page.waitForFunction(() => window.begun);
    await write(1, 3);
    await page.waitForFunction(() => heard.written.length === 3 && heard.typed.length === 3);
    for (const last of [3, 6]) { // the second time it goes on from what it heard after the first
      await tell("end");
      await write(last + 1, last + 3);
      await tell("start");
      await page.waitForFunction((all) => heard.written.length === all, last + 3);
    }
    await write(10, 10);
    await page.waitForFunction(() => heard.written.includes("10") && heard.typed.includes("10"));
    const { written, typed, gaps, errors } = await page.evaluate(() => heard);
    assert.deepEqual(written, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"], "none is missing, and none came twice");
    assert.deepEqual(typed, ["1", "2", "3", "10"], "of these nothing is kept");
    assert.equal(gaps.reduce((sum, { event, missed, exact }) => sum + (event === "typed" && exact ? missed : NaN), 0), 6, JSON.stringify(gaps));
    assert.ok(errors >= 2);
  });
});
