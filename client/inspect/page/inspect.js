// Asks for a live page again every second, and puts its main part in the place of the old one. What the reader has done to
// it stays: what is open, what has the focus, how far it is scrolled.
"use strict";

const pause = 1000, patience = 35_000;
const lost = document.getElementById("lost");

function tell(text) {
  lost.textContent = text;
  lost.hidden = text === "";
  document.getElementById("main").classList.toggle("stale", text !== "");
}

/** A way to find an element again in the next page: its id, or its place. */
function find(root, path) {
  return path.reduce((element, i) => element?.children[i], root);
}

function pathOf(root, element) {
  const path = [];
  for (let at = element; at !== root; at = at.parentElement) {
    if (!at?.parentElement) return null;
    path.unshift(Array.prototype.indexOf.call(at.parentElement.children, at));
  }
  return path;
}

async function renew() {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(patience) });
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (!answer.ok || !next) {
    tell(next?.querySelector("#error")?.textContent ?? `The page cannot be renewed: ${answer.status}.`);
    return;
  }
  const main = document.getElementById("main");
  const selected = document.getSelection();
  if (selected && !selected.isCollapsed && main.contains(selected.anchorNode)) return; // somebody is about to copy it
  if (main.contains(document.activeElement) && document.activeElement.matches("input")) return; // or types
  for (const open of main.querySelectorAll("details[open][id]")) next.querySelector(`#${open.id}`)?.setAttribute("open", "");
  const focus = main.contains(document.activeElement) && pathOf(main, document.activeElement);
  const scrolled = Array.from(main.querySelectorAll(".scroll, pre"), (box) => [pathOf(main, box), box.scrollLeft, box.scrollTop]);
  main.replaceWith(document.adoptNode(next));
  for (const [path, left, top] of scrolled) find(next, path)?.scrollTo(left, top);
  if (focus) find(next, focus)?.focus({ preventScroll: true });
  tell("");
}

async function live() {
  for (;;) {
    await new Promise((done) => setTimeout(done, pause));
    if (document.hidden) continue; // nobody looks
    try {
      await renew();
    } catch {
      tell("The program that serves this page does not answer. The page comes back with it.");
    }
  }
}

// What an actor broadcasts is heard while its page of events is open and in front.
const rows = 200;

function cell(row, text, name) {
  const one = row.insertCell();
  one.textContent = text;
  if (name) one.className = name;
}

function show(table, { at, event, payload, place = "", problem, gap }) {
  const row = table.insertRow(0);
  cell(row, new Date(at).toISOString().slice(11, 23));
  cell(row, event);
  cell(row, payload, problem ? "bad" : "");
  cell(row, gap ? `${place}, some before it are missing` : place, gap ? "warn" : "quiet");
  while (table.rows.length > rows) table.deleteRow(-1);
}

function listen(line) {
  const table = document.querySelector("#events tbody");
  let source, left = 0;
  const say = (text, name) => { line.textContent = text; line.className = name; };
  const open = () => {
    source = new EventSource(line.dataset.listen);
    source.addEventListener("open", () => say(left ? `Listening. ${left} events were too many to be shown.` : "Listening.", "quiet"));
    source.addEventListener("message", (message) => show(table, JSON.parse(message.data)));
    source.addEventListener("left", (message) => { left += JSON.parse(message.data); say(`Listening. ${left} events were too many to be shown.`, "warn"); });
    source.addEventListener("refused", (message) => { source.close(); say(JSON.parse(message.data), "bad"); });
    source.addEventListener("error", () => say("Not listening: events are missed until the program that serves this page answers.", "warn"));
  };
  document.addEventListener("visibilitychange", () => {
    source.close();
    if (document.hidden) say("Not listening while the page is not in front.", "quiet");
    else open();
  });
  open();
}

if (document.getElementById("main").hasAttribute("data-live")) live();
const listening = document.querySelector("[data-listen]");
if (listening) listen(listening);
