// What cannot be known on a copy is offered all the same: the server decides by the time at which it was pressed.

const CHECKED = 30_000; // milliseconds

function isWithoutLine() {
  return Boolean(document.documentElement.dataset.keptAt) || !navigator.onLine;
}

function show() {
  for (const form of document.querySelectorAll("[data-without-line]")) form.hidden = !isWithoutLine();
  for (const part of document.querySelectorAll("[data-opens]")) if (Date.parse(part.dataset.opens) <= Date.now()) part.hidden = false;
}

for (const name of ["online", "offline"]) addEventListener(name, show);
document.addEventListener("live:swapped", show);
document.addEventListener("outbox:changed", show);
show();
setInterval(show, CHECKED);
