// Messages for queues of actors.

import { ensure, TroupeError } from "./errors.js";
import { checkID, json, randomID } from "./wire.js";

/** Stores a message in a queue, and publishes it again until it is told that it is there. */
export function push(actor, queue, message, { id, notBefore, inOrder, timeout, existing, signal } = {}) {
  checkID(id, `${actor}.${queue}: id`);
  ensure(notBefore === undefined || notBefore instanceof Date && !Number.isNaN(notBefore.getTime()), `${actor}.${queue}: notBefore is no Date`);
  const fixed = { "Troupe-Existing": existing && "1", "Troupe-Push-Id": id, "Nats-Msg-Id": !id && randomID(), "Troupe-Not-Before": notBefore?.toISOString() };
  return actor.troupe.calls.carry(actor, queue, message, { fixed, timeout, signal }, async (request, what, ms) => {
    for (const end = Date.now() + ms; Date.now() < end;) {
      request.publish(`${inOrder ? "inorder" : "queue"}.${request.path}`);
      const reply = await request.next(Math.min(end - Date.now(), 2000));
      if (!reply) continue;
      if (reply.headers?.code === 503) throw new TroupeError("unavailable", `${what}: there are no queues: a host that handles one makes them`, { retryable: true });
      const { error } = json.decode(reply.data) ?? {};
      if (!error) return;
      throw new TroupeError({ 10054: "too_large", 10077: "overloaded" }[error.err_code] ?? "unavailable", `${what}: ${error.description}`);
    }
    throw new TroupeError("outcome_unknown", `${what}: no time left: whether the message is stored is not known`);
  });
}
