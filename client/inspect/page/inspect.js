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

if (document.getElementById("main").hasAttribute("data-live")) live();
