// What a user of deploy/auth.conf may do in the rooms of its tenant, and what it may not: for tests, in Node and in browsers.
// Each is given a function that connects, with options.

const pass = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const check = (good, text) => { if (!good) throw new Error(text); };

// denied checks that what is not allowed fails as that. It must not take long: whoever tests that sets no time-out.
async function denied(name, promise) {
  const error = await promise.then(() => undefined, (e) => e);
  check(error?.code === "denied", `${name}: ${error}`);
}

/** Connects with a room, is silent for so many ms, and finds the connection as it was. */
export async function overTime(enter, ms) {
  const errors = [], statuses = [], heard = [], lived = [];
  const troupe = await enter({ onError: (error) => errors.push(String(error)) });
  const room = troupe.actor("room", "org1", "lobby" + Math.random().toString(36).slice(2));
  const connection = await room.connect(undefined, { on: { said: (text) => lived.push(text) }, onStatus: (status) => statuses.push(status) });
  await room.subscribe("said", (text) => heard.push(text));
  const quiet = await troupe.actor("room", "org1", "quiet").connect(); // it hears nothing at all
  const before = statuses.length;
  for (const text of ["at first", "at last"]) {
    await connection.call("say", text);
    const history = await room.call("history");
    check(history.at(-1) === text, `the room has heard ${history}`);
    await troupe.nc.flush();
    check(heard.at(-1) === text && lived.at(-1) === text, `we have heard ${heard} and ${lived}`);
    if (text === "at first") await pass(ms);
  }
  check(statuses.length === before && connection.status === "connected" && quiet.status === "connected", `it was ${statuses}`);
  await connection.close();
  check(errors.length === 0, `it was told of ${errors}`);
  await troupe.close();
}

/** Is cut off so many times, as by credentials that run out, and each time finds its connection again. */
export async function comesBack(enter, times) {
  const troupe = await enter({ onError: () => {} });
  const heard = [];
  let back;
  const connection = await troupe.actor("room", "org1", "lobby").connect(undefined, {
    on: { said: (text) => heard.push(text) }, onStatus: (status) => { if (status === "connected") back?.(); },
  });
  for (let i = 1; i <= times; i++) {
    await new Promise((resolve) => { back = resolve; });
    await connection.call("say", `back ${i}`);
  }
  await troupe.nc.flush();
  check(heard.at(-1) === `back ${times}`, `we have heard ${heard}`);
  await connection.close();
  await troupe.close();
}

/** Calls on and on, and is cut off so many times meanwhile. Each call has run once, in order. */
export async function goesOn(enter, times) {
  const troupe = await enter({ onError: () => {} });
  const room = troupe.actor("room", "org1", "busy" + Math.random().toString(36).slice(2));
  let cut = 0;
  const watched = (async () => { for await (const { type } of troupe.nc.status()) if (type === "reconnect") cut++; })();
  const made = [];
  while (cut < times) {
    made.push(`${made.length}`);
    check(await room.call("say", made.at(-1)) === made.length, `the answer to call ${made.length} is that of another`);
  }
  const history = await room.call("history");
  check(history.join() === made.join(), `${made.length} calls have left ${history}`);
  await troupe.close();
  await watched;
}

/** Reads a stream with more values than may be on their way, and another one in part. */
export async function reads(enter) {
  const errors = [];
  const troupe = await enter({ onError: (error) => errors.push(String(error)) });
  const room = troupe.actor("room", "org1", "lobby");
  let lines = 0;
  for await (const line of room.stream("readOut", 3000)) check(line === lines++, `line ${line} is the ${lines}th`);
  check(lines === 3000, `there were ${lines}`);
  for await (const line of room.stream("readOut", 1e9)) if (line === 700) break;
  check(errors.length === 0, `it was told of ${errors}`);
  await troupe.close();
}

/** Pushes to a queue in order, also several at a time, of which some are handled at the second attempt. */
export async function pushesInOrder(enter) {
  const troupe = await enter({});
  const room = troupe.actor("room", "org1", "minutes" + Math.random().toString(36).slice(2));
  const texts = Array.from({ length: 60 }, (_, i) => i % 20 === 7 ? `${i} again` : `${i}`);
  const events = await room.events("said", { limit: texts.length, signal: AbortSignal.timeout(30_000) });
  const push = (text) => room.push("minute", text, { inOrder: true, id: `m${text}` });
  for (const text of texts.slice(0, 20)) await push(text);
  await Promise.all([...texts.slice(20), ...texts.slice(0, 20)].map(push)); // some a second time, which takes no effect
  for await (const { payload } of events) if (payload === texts.at(-1)) break;
  const history = await room.call("history");
  check(history.join() === texts.join(), `the room has heard ${history}`);
  await troupe.close();
}

/** Tries what no program of the tenant may do. */
export async function beyond(enter) {
  const errors = [];
  const troupe = await enter({ onError: (error) => errors.push(error.code), timeout: 300_000 });
  const mine = troupe.actor("room", "org1", "lobby"), other = troupe.actor("room", "org2", "lobby");
  await denied("another action", mine.call("clear"));
  await denied("to destroy", mine.call("_destroy"));
  await denied("to schedule", mine.call("_schedule", {}));
  await denied("another tenant", other.call("say", "x"));
  await denied("another tenant's events", other.subscribe("said", () => {}));
  await denied("to connect with another tenant", other.connect());
  await denied("a queue", mine.push("remarks", "x"));
  await denied("another type", troupe.actor("till", "org1", "lobby").call("say", "x"));
  check(errors.every((code) => code === "denied"), `it was told of ${errors}`);
  check(await mine.call("say", "still here") > 0, "it is not there any more");
  await troupe.close();
}
