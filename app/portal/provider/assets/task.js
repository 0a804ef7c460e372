// An order in somebody's hand: what can be done by now, also on a copy that was made hours ago, and without a connection.
//
// data-opens, data-closes: an instant from which on something is shown, or shown no more; the server has the last word.
// data-after: what comes once that act was done, also where it only waits on this device.

import "../offline/keeping.js";
import "../offline/pictures.js";
import { keptHere } from "../offline/waiting.js";

const OFTEN = 15_000; // milliseconds

function show() {
  const now = Date.now();
  for (const one of document.querySelectorAll("[data-opens]")) one.hidden = now < Date.parse(one.dataset.opens);
  for (const one of document.querySelectorAll("[data-closes]")) one.hidden = now >= Date.parse(one.dataset.closes);
  const acts = new Set(keptHere().map((item) => item.action));
  for (const one of document.querySelectorAll("[data-after]")) one.hidden = !acts.has(one.dataset.after);
}

document.addEventListener("outbox:changed", show);
document.addEventListener("live:swapped", show);
setInterval(show, OFTEN);
show();
