// The copies for reading without a connection: of this page again once something was sent, of what a day leads to ahead.

const SOON = 1_500; // milliseconds in which more may be sent

let timer = null;
let kept = ""; // what the copies were fetched for

/** Tells the worker of these pages something, once there is one. */
async function tellWorker(message) {
  if (!("serviceWorker" in navigator) || document.documentElement.dataset.keptAt) return;
  const registration = await navigator.serviceWorker.ready;
  registration.active?.postMessage(message);
}

/** Keeps the pages of `paths` and no others; again only where `shown`, what a day says of them, is another. */
export function keepAhead(paths, shown) {
  // Each copy is a look at somebody's home, and on record.
  const now = JSON.stringify(shown);
  if (now === kept) return;
  kept = now;
  tellWorker({ keepOnly: paths }).catch(() => {});
}

document.addEventListener("outbox:sent", () => {
  clearTimeout(timer);
  const pages = [location.pathname, document.documentElement.dataset.outboxScope];
  timer = setTimeout(() => tellWorker({ keepAgain: pages }).catch(() => {}), SOON);
});
