// The service worker: keeps the page's own files, all of one version, so that it opens without a network.
// VERSION, PAGES and FILES stand before this, written by the server. What the API answers is never kept here.

const PREFIX = "hearthline-gates-";
const CACHE = PREFIX + VERSION;

addEventListener("install", (event) => event.waitUntil(keepAll()));

async function keepAll() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...PAGES, ...FILES].map((path) => new Request(path, { cache: "reload" })));
}

// Only when nobody works with the version before any more, or asked for this one.
addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await clients.claim();
}

addEventListener("message", (event) => {
  if (event.data === "take over") skipWaiting();
});

addEventListener("fetch", (event) => {
  const { pathname, searchParams, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (event.request.mode === "navigate") {
    if (pathname === PAGES[0]) event.respondWith(kept(pageFor(searchParams.get("lang")), event.request));
  } else if (FILES.includes(pathname)) {
    event.respondWith(kept(pathname, event.request));
  }
});

function pageFor(language) {
  const asked = `${PAGES[0]}?lang=${language}`;
  return PAGES.includes(asked) ? asked : PAGES[0];
}

async function kept(path, request) {
  return (await (await caches.open(CACHE)).match(path)) ?? fetch(request);
}
