// The page of a chat room: one connection with its actor, over the WebSocket of the NATS server.

import { connect } from "@troupe-go/client";

const $ = (id) => document.getElementById(id);

// A tab has a guest of its own, and knows their name when it is loaded again.
const remembered = { get: () => sessionStorage.getItem("name"), set: (name) => sessionStorage.setItem("name", name) };

let troupe; // once there is a connection with NATS: until then nobody can come in
let lobby; // our connection, once we have come in
let name;

function showStatus(status) {
  $("status").textContent = $("status").dataset.status = status;
  $("say").querySelector("button").disabled = status !== "connected";
}

function showError(error) { $("error").textContent = error ? error.message : ""; }

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

// harmless shows what nobody could see in a name: characters without a form of their own, with which one looks like another's, but for
// the joints of emoji.
const harmless = (name) => name.replace(
  /((?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}]\ufe0f?)\u200d(?=\p{Extended_Pictographic}))|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (_, joint) => joint ?? "\ufffd");

// isolated is a text that cannot change the direction of what is around it.
function isolated(tag, text) {
  const made = document.createElement(tag);
  made.append(element("bdi", text));
  return made;
}

function showMessage({ number, from, text, at, bot }) {
  const list = $("messages");
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const item = document.createElement("li");
  item.className = bot ? "bot" : from === name ? "own" : "";
  const head = isolated("small", harmless(from));
  head.append(` · ${at.toLocaleTimeString([], { timeStyle: "short" })}`);
  item.append(head, isolated("p", text));
  list.append(item);
  while (list.children.length > 500) list.firstChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
  $("count").textContent = number;
}

function showPeople(names) {
  $("here").textContent = names.length;
  const hue = (n) => Array.from(n).reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 360, 7);
  $("people").replaceChildren(...names.map((n) => {
    const item = isolated("li", harmless(n));
    item.dataset.initial = Array.from(harmless(n))[0].toUpperCase();
    item.style.setProperty("--hue", hue(n));
    return item;
  }));
}

// The room sends this whenever the connection begins: at first, and after its host was gone. It has all that was missed.
function welcome({ messages, count, present }) {
  $("messages").replaceChildren();
  messages.forEach(showMessage);
  $("count").textContent = count;
  showPeople(present);
}

const room = () => troupe.actor("chatRoom", "lobby");

async function enter(as) {
  name = as;
  lobby = await room().connect({ name }, {
    on: { welcome, said: showMessage, present: showPeople },
    onGap: () => lobby.call("look").then(welcome, showError),
    onStatus: (status, error) => { showStatus(status); if (status === "closed") showError(error); },
  });
  remembered.set(name);
  $("enter").hidden = true;
  $("say").hidden = false;
  $("text").focus();
}

$("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await enter($("name").value.trim());
    showError();
  } catch (error) {
    showError(error);
  }
});

$("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  try {
    await lobby.call("say", text, { timeout: 10_000 });
    showError();
  } catch (error) {
    showError(error);
    $("text").value ||= text;
  }
});

// What was said is read out word by word, until the button is pressed again.
let reading;
$("recap").addEventListener("click", async () => {
  if (reading) { reading.abort(); return; }
  reading = new AbortController();
  $("recap").textContent = "Stop";
  $("told").textContent = "";
  $("told").hidden = false;
  try {
    for await (const word of room().stream("recap", undefined, { signal: reading.signal })) {
      $("told").textContent += word + " ";
      $("told").scrollTop = $("told").scrollHeight;
    }
    showError();
  } catch (error) {
    if (error.code !== "canceled") showError(error);
  }
  reading = undefined;
  $("recap").textContent = "Recap";
});

// A page that is closed says goodbye. One that is merely gone is missed within 15 s.
addEventListener("pagehide", () => { lobby?.close().catch(() => {}); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const url = new URL("bus", location.href);
url.protocol = url.protocol.replace("http", "ws");
troupe = await connect({ servers: url.href });
showStatus("connected");
for (const control of $("enter").elements) control.disabled = false;
$("name").focus();
await (remembered.get() ? enter(remembered.get()) : room().call("look").then(welcome)).catch(showError);
