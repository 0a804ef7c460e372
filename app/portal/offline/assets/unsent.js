// On every page, whoever sits there: that a call for help on this device has not been sent is said, not whose it is, and
// whom to phone. Whose it is sends it from any page. And what others left here long ago is let go of.

import { sendFor, tellPages } from "./sending.js";
import { callsForHelp, sweep } from "./store.js";

const NAME = "hearthline-outbox";
const PATIENCE = 5_000; // milliseconds within which a call for help may be on its way
const AGAIN = 10_000;

const who = document.documentElement.dataset.pushWho ?? "";
const place = document.getElementById("unsent-help");
const hasOutbox = Boolean(who && document.querySelector("[data-outbox-list]")); // there it is said, and sent, at once

// A browser that never kept anything needs no store for being asked.
async function isKept() {
  const all = await indexedDB.databases?.();
  return !all || all.some(({ name }) => name === NAME);
}

async function waiting() {
  const own = (one) => one.who === who;
  let calls = await callsForHelp();
  if (who && !hasOutbox && calls.some(own)) {
    await sendFor(who, true, tellPages);
    calls = await callsForHelp();
  }
  const late = calls.filter((one) => !(hasOutbox && own(one)) && !(Date.now() - one.given >= 0 && Date.now() - one.given < PATIENCE));
  return { late, isMore: calls.length > 0, isOwn: late.some(own) };
}

function link(says, href, kind) {
  const made = document.createElement("a");
  Object.assign(made, { textContent: says, href, className: kind });
  return made;
}

function say({ late, isOwn }) {
  place.hidden = late.length === 0;
  if (place.hidden) return;
  const said = place.querySelector("[data-unsent-says]");
  const wanted = isOwn ? place.dataset.own : who ? place.dataset.other : place.dataset.nobody;
  if (said.textContent === wanted) return;
  place.setAttribute("role", "alert");
  said.replaceChildren(isOwn ? link(wanted, "/me/help", "") : wanted);
  // What was on the screen when it was pressed says more than what the installation knows.
  const phones = late.flatMap((one) => one.phones ?? []).filter(({ href }) => href.startsWith("tel:"));
  const first = new Map(phones.map((one) => [one.href, one]));
  const links = [...first.values()].map(({ says, href }) => link(says, href, "button needs"));
  const others = place.querySelector("template").content.cloneNode(true);
  place.querySelector("[data-unsent-phones]").replaceChildren(...(links.length ? links : [others]));
}

async function look() {
  if (!(await isKept())) return;
  await sweep(who);
  const found = await waiting();
  say(found);
  if (found.isMore) setTimeout(() => look().catch(() => {}), found.late.length ? AGAIN : PATIENCE);
}

if (place) look().catch(() => {}); // a device that keeps nothing has nothing unsent
