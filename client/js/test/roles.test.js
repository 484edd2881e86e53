// A program of a tenant, as deploy/auth.conf allows it to be one.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { credsAuthenticator } from "@nats-io/transport-node";
import { connect } from "@troupe-go/client";
import { beyond, comesBack, goesOn, overTime, pushesInOrder, reads } from "./roles.js";

// What a failed test leaves open would keep the process.
const entered = [];
const open = async (options) => {
  entered.push(await connect({ servers: process.env.NATS_ROLES, ...options }));
  return entered.at(-1);
};
after(() => Promise.all(entered.map((troupe) => troupe.close())));

describe("a program of a tenant", { skip: process.env.NATS_ROLES && !process.env.KEYS ? false : "NATS_ROLES is not set, or KEYS is", concurrency: true }, () => {
  const enter = (options) => open({ user: "org1", pass: "secret", inboxPrefix: "_INBOX.org1", ...options });
  test("keeps its connections while it is silent", () => overTime(enter, 18_000)); // those that do not answer are gone after 15 s
  test("does not come in with another password", async () => {
    await assert.rejects(enter({ pass: "wrong" }), (error) => error.code === "denied");
  });
  test("reads streams", () => reads(enter));
  test("has messages handled in the order in which it pushed them", () => pushesInOrder(enter));
  test("is denied all else", () => beyond(enter));
});

const { KEYS, KEYS_DIR } = process.env;

// Its credentials are good for 2 s, and the function that gives them is asked at every connect. In earnest it would give what a service
// has told meanwhile.
describe("a program whose JWTs run out", { skip: KEYS ? false : "KEYS is not set", concurrency: true }, () => {
  const enter = (name) => (options) => {
    const fresh = () => {
      const file = join(KEYS_DIR, "creds", `org1.${name}.creds`);
      rmSync(file, { force: true });
      execFileSync(KEYS, ["user", KEYS_DIR, "program", name, "--tenant", "org1", "--for", "2s"]);
      return readFileSync(file);
    };
    const authenticator = (nonce) => credsAuthenticator(fresh())(nonce);
    return open({ authenticator, inboxPrefix: `_INBOX.org1.${name}`, ...options });
  };
  test("calls on", () => goesOn(enter("caller"), 2));
  test("finds its connections again", () => comesBack(enter("guest"), 2));
  test("is denied all else", () => beyond(enter("stranger")));
});
