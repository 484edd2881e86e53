// A program of a tenant, as deploy/auth.conf allows it to be one.

import { after, before, describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { beyond, overTime } from "./roles.js";

describe("a program of a tenant", { skip: process.env.NATS_ROLES ? false : "NATS_ROLES is not set", concurrency: true }, () => {
  let nc;
  before(async () => { nc = await connect({ servers: process.env.NATS_ROLES, user: "org1", pass: "secret", inboxPrefix: "_INBOX.org1" }); });
  after(() => nc.close());
  test("keeps its connections while it is silent", () => overTime(nc, 18_000)); // those that do not answer are gone after 15 s
  test("is denied all else", () => beyond(nc));
});
