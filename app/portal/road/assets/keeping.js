// The copies for reading without a connection: of this page again once something was sent, of today's visits ahead.

const SOON = 1_500; // milliseconds in which more may be sent

let timer = null;

/** Tells the worker of these pages something, once there is one. */
export async function tellWorker(message) {
  if (!("serviceWorker" in navigator) || document.documentElement.dataset.keptAt) return;
  const registration = await navigator.serviceWorker.ready;
  registration.active?.postMessage(message);
}

document.addEventListener("outbox:sent", () => {
  clearTimeout(timer);
  timer = setTimeout(() => tellWorker({ keepAgain: [location.pathname, "/portal/road"] }).catch(() => {}), SOON);
});
