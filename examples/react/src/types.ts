// What the compiler knows of the actors, and what it refuses: checked by `npm run build`, and in no page.

import { connect, type TroupeError } from "@troupe-go/client";
import { connect as connectToCall } from "@troupe-go/client/caller";
import type { Contract } from "@troupe-go/client/contract";
import type { ChatRoomContract, Message, View } from "./chatRoom";

interface CheckoutContract extends Contract {
  actions: { place: { in: { cents: number }; out: null; result: { paid: boolean } } };
  events: { placed: null };
  queues: { mails: string };
  create: null;
  connect: null;
}

interface Actors { chatRoom: ChatRoomContract; checkout: CheckoutContract }

export async function types() {
  const bus = await connect<Actors>({ servers: "ws://localhost", timeout: 1000 });
  const room = bus.actor("chatRoom", "lobby", new Uint8Array(1)), checkout = bus.actor("checkout");
  const said: Message = await room.call("say", "hello", { requestId: "x", signal: AbortSignal.timeout(5) });
  const view: View = await room.call("look");
  const nothing: void = await checkout.call("place", { cents: 1 });
  const { paid } = await checkout.result("place");
  const name: string = await room.call("_schedule", { action: "say", input: "hi", after: 1000 });
  const was: boolean = await room.call("_unschedule", name);
  await checkout.push("mails", "x", { id: "1", notBefore: new Date(), inOrder: true });
  checkout.tell("place", { cents: 1 });
  for await (const heard of await room.events("said", { limit: 10 })) {
    if (heard.missed !== undefined) heard.missed satisfies number;
    else heard.payload satisfies Message;
  }
  const connection = await room.connect({ name: "Ann" }, { on: { welcome: (v) => { v satisfies View; } }, onStatus: (_, reason?: TroupeError) => reason?.code });
  const again: Message = await connection.call("say", "x");
  const untyped = await connect({ servers: ["ws://localhost"] });
  const anything: string = await untyped.actor("any", "key").call("any", 1, { existing: true });

  const caller = await connectToCall<Actors>({ servers: "ws://localhost" });
  const called: Message = await caller.actor("chatRoom", "lobby").call("say", "x");
  // @ts-expect-error it calls, and does no more
  await caller.actor("chatRoom", "lobby").subscribe("said", () => {});

  // @ts-expect-error there is no such type
  bus.actor("chatroom");
  // @ts-expect-error no such action
  await room.call("shout", "x");
  // @ts-expect-error a text is no number
  await room.call("say", 5);
  // @ts-expect-error it takes something
  await room.call("say");
  // @ts-expect-error no such event
  await room.subscribe("sad", () => {});
  // @ts-expect-error the payload is a Message
  await room.subscribe("said", (text: string) => text);
  // @ts-expect-error a guest has a name
  await room.connect({});
  // @ts-expect-error no such queue
  await room.push("mails", "x");
  // @ts-expect-error no such action to schedule
  await room.call("_schedule", { action: "shout" });
  return { said, view, nothing, paid, was, again, anything, called };
}
