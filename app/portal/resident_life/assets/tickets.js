// The codes of the tickets on this page are kept for the gate, where there may be no connection.
const paths = [...document.querySelectorAll("[data-keep]")].map((one) => one.pathname);

async function keep() {
  const registration = await navigator.serviceWorker.ready;
  registration.active?.postMessage({ keepAlso: paths });
}

if ("serviceWorker" in navigator && paths.length && !document.documentElement.dataset.keptAt) keep().catch(() => {});
