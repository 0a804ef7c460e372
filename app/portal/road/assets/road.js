// The day: what somebody else changed in it is marked until it was seen, and its visits are kept for reading ahead.

import { keepAhead } from "../offline/keeping.js";

const route = document.getElementById("route");
const changes = document.getElementById("changes");
const NAME = `hearthline.road.${document.documentElement.dataset.pushWho ?? ""}.${route.dataset.day}`;

function known() {
  try {
    return JSON.parse(sessionStorage.getItem(NAME) ?? "null");
  } catch {
    return null;
  }
}

function remember(stops) {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(stops));
  } catch {
    // Private windows may refuse: then nothing is marked.
  }
}

function shown() {
  const stops = {};
  for (const { dataset } of route.querySelectorAll("[data-stop]")) stops[dataset.stop] = { print: dataset.print, at: dataset.at };
  return stops;
}

function text(tag, said) {
  return Object.assign(document.createElement(tag), { textContent: said });
}

function compare() {
  const now = shown();
  const before = known();
  if (!before) {
    remember(now);
    return;
  }
  const lines = [];
  for (const one of route.querySelectorAll("[data-stop]")) {
    const { stop, print, at } = one.dataset;
    const was = before[stop];
    one.querySelector("[data-mark]").hidden = was?.print === print;
    if (!was) lines.push(changes.dataset.new.replace("{at}", at));
    else if (was.print !== print) lines.push(`${changes.dataset.changed}: ${was.at === at ? at : `${was.at} → ${at}`}`);
  }
  for (const [stop, { at }] of Object.entries(before)) if (!now[stop]) lines.push(changes.dataset.gone.replace("{at}", at));
  const wanted = lines.join("\n");
  if (changes.dataset.drawn === wanted) return;
  changes.dataset.drawn = wanted;
  changes.hidden = lines.length === 0;
  const seen = text("button", changes.dataset.seen);
  seen.type = "button";
  seen.addEventListener("click", () => { remember(shown()); compare(); });
  const list = document.createElement("ul");
  list.append(...lines.map((line) => text("li", line)));
  changes.replaceChildren(text("strong", changes.dataset.lead), list, seen);
}

function keepVisits() {
  if (route.dataset.today === undefined) return;
  keepAhead([...route.querySelectorAll('[data-stop] a[href^="/portal/road/visits/"]')].map((one) => one.pathname), shown());
}

compare();
keepVisits();
document.addEventListener("live:swapped", () => { compare(); keepVisits(); });
