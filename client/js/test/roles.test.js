// A program of a tenant, as deploy/auth.conf allows it to be one.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "@troupe-go/client";
import { beyond, overTime } from "./roles.js";

describe("a program of a tenant", { skip: process.env.NATS_ROLES ? false : "NATS_ROLES is not set", concurrency: true }, () => {
  const enter = (options) => connect({ servers: process.env.NATS_ROLES, user: "org1", pass: "secret", inboxPrefix: "_INBOX.org1", ...options });
  test("keeps its connections while it is silent", () => overTime(enter, 18_000)); // those that do not answer are gone after 15 s
  test("does not come in with another password", async () => {
    await assert.rejects(enter({ pass: "wrong" }), (error) => error.code === "denied");
  });
  test("is denied all else", () => beyond(enter));
});
