// The rules by which pages are kept for reading without a connection. SCOPE, VERSION, FILES, OFFLINE and KEPT stand
// before this, written by the server, and what sends the outbox, too.
//
// A page is asked for first; the copy is shown only where there is no answer. There are copies of one person at a time:
// the one who was seen last. Whoever is seen next, or nobody, is reason to delete them.

const PAGES = "hearthline-pages:";
const SHELL = `hearthline-files:${SCOPE}:`;
const WHO = "X-Who"; // names whose page it is; a page without it is never kept
const AT = "X-Kept-At";
const LOCAL = "X-Local"; // marks a page with the numbers of somebody's community
const ASSETS = "/portal/assets/";
const PATIENCE_PAGE = 6_000; // milliseconds after which a copy is shown where there is one
const MOST_ALSO = 20; // pages that a page can have kept which it leads to
const SHELLS = 2; // of this and the version before, to which a copy may refer

let age = 0; // grows when something is forgotten: what was asked for before is not kept after

self.addEventListener("install", (event) => event.waitUntil(keepShell()));

async function keepShell() {
  const shell = await caches.open(SHELL + VERSION);
  await shell.addAll(FILES);
  await keepOffline();
}

async function keepOffline() {
  const shell = await caches.open(SHELL + VERSION);
  await Promise.all(OFFLINE.map(async (path) => {
    const answer = await fetch(new Request(path, { cache: "reload" }));
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    // Whom to phone where somebody lives is not forgotten for what is said to whoever has not signed in.
    const kept = await standIn(path);
    await shell.put(path, kept && isOfSomebody(kept) && !isOfSomebody(answer) ? kept : answer);
  }));
}

/** Returns what stands in for pages as it was fetched last: what an earlier version kept may be another number by now. */
async function standIn(path) {
  const shell = await caches.open(SHELL + VERSION);
  return (await shell.match(path)) ?? caches.match(path);
}

function isOfSomebody(answer) {
  return answer.headers.has(LOCAL);
}

self.addEventListener("activate", (event) => event.waitUntil(dropShells()));

async function dropShells() {
  const shells = (await caches.keys()).filter((name) => name.startsWith(SHELL) && name !== SHELL + VERSION);
  await Promise.all(shells.slice(0, Math.max(0, shells.length - SHELLS + 1)).map((name) => caches.delete(name)));
}

// --- whose pages are kept --------------------------------------------------------------------------------------------

async function forgetOthers(who) {
  age += 1;
  const names = (await caches.keys()).filter((name) => name.startsWith(PAGES) && !(who && name.endsWith(`:${who}`)));
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** Finds out who is signed in where an answer hints that somebody else is, or nobody. */
async function lookWho() {
  try {
    const { who } = await person();
    await forgetOthers(who ?? "");
  } catch {
    // Without a line nobody else can have signed in here.
  }
}

async function keepPage(path, answer, since) {
  const who = answer.headers.get(WHO);
  if (!answer.ok || answer.redirected || !who) return;
  const name = `${PAGES}${SCOPE}:${who}`;
  const others = (await caches.keys()).filter((one) => one.startsWith(PAGES) && !one.endsWith(`:${who}`));
  if (others.length) await forgetOthers(who);
  else if (since !== age) return;
  const now = age;
  const headers = new Headers(answer.headers);
  headers.set(AT, new Date().toISOString());
  headers.delete("Content-Encoding"); // the copy is no longer packed
  headers.delete("Content-Length");
  const body = await answer.text();
  const cache = await caches.open(name);
  await cache.put(path, new Response(body, { headers }));
  if (now !== age) await cache.delete(path);
}

async function fetchAndKeep(path) {
  const since = age;
  try {
    const answer = await fetch(path, { credentials: "same-origin", headers: { "X-Live": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401) await lookWho();
    else await keepPage(path, answer, since);
  } catch {
    // The next page brings it.
  }
}

// --- pages and files -------------------------------------------------------------------------------------------------

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith(ASSETS)) event.respondWith(file(request));
  else if (request.mode === "navigate" && isOurs(url.pathname)) event.respondWith(page(event, url));
});

function isOurs(path) {
  return path === SCOPE || path.startsWith(`${SCOPE}/`);
}

async function file(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  // Only what stays for ever is kept: of another version the server says that it does not.
  if (answer.ok && (answer.headers.get("Cache-Control") ?? "").includes("immutable")) {
    const copy = answer.clone();
    await (await caches.open(SHELL + VERSION)).put(request, copy).catch(() => {});
  }
  return answer;
}

async function page(event, url) {
  const since = age;
  const network = fetch(event.request);
  event.waitUntil(network.then((answer) => look(url, answer.clone(), since)).catch(() => {}));
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_PAGE, null); });
  try {
    const answer = await Promise.race([network, late]);
    // Whoever answers for a server that is down has no page for us.
    if (answer && answer.status < 500) return answer;
    return (await keptPage(url.pathname)) ?? (await network);
  } catch {
    return (await keptPage(url.pathname)) ?? offlinePage();
  }
}

async function look(url, answer, since) {
  if (answer.type === "opaqueredirect" || answer.status === 401) await lookWho();
  else if (url.search) { if (answer.ok && KEPT.includes(url.pathname)) await fetchAndKeep(url.pathname); }
  else await keepPage(url.pathname, answer, since);
}

async function keptPage(path) {
  const names = (await caches.keys()).filter((name) => name.startsWith(PAGES));
  // Of two people nobody can say who sits there.
  if (new Set(names.map((name) => name.slice(name.lastIndexOf(":")))).size !== 1) return null;
  const own = names.find((name) => name.startsWith(`${PAGES}${SCOPE}:`));
  const kept = own ? await (await caches.open(own)).match(path) : null;
  if (!kept) return null;
  const at = kept.headers.get(AT);
  const text = (await kept.text()).replace("<html ", `<html data-kept-at="${at}" `);
  return new Response(text, { headers: kept.headers });
}

async function offlinePage() {
  const isChinese = navigator.language.toLowerCase().startsWith("zh");
  const kept = await standIn(OFFLINE[isChinese ? 1 : 0]);
  return kept ?? Response.error();
}

// --- what pages ask for ----------------------------------------------------------------------------------------------

self.addEventListener("message", (event) => {
  const { forgetOthers: who, keep, keepAlso, keepOnly, keepAgain } = event.data ?? {};
  if (Array.isArray(keepAlso)) event.waitUntil(Promise.all(keepAlso.filter(isOurs).slice(0, MOST_ALSO).map(fetchAndKeep)));
  if (typeof who === "string") event.waitUntil(forgetOthers(who));
  if (keep) event.waitUntil(Promise.all([...KEPT.map(fetchAndKeep), keepOffline().catch(() => {})]));
  // What a page leads to can be read before it was ever opened; what it leads to no more is deleted.
  if (Array.isArray(keepOnly)) event.waitUntil(keepJust(keepOnly.filter(isOurs)));
  if (Array.isArray(keepAgain)) event.waitUntil(oneByOne(keepAgain.filter(isOurs)));
});

async function keepJust(paths) {
  await oneByOne(paths);
  const wanted = new Set([...KEPT, ...paths]);
  for (const name of (await caches.keys()).filter((one) => one.startsWith(`${PAGES}${SCOPE}:`))) {
    const pages = await caches.open(name);
    for (const { url } of await pages.keys()) if (!wanted.has(new URL(url).pathname)) await pages.delete(url);
  }
}

async function oneByOne(paths) {
  for (const path of paths) await fetchAndKeep(path);
}

// The browser says that the line is back, also where no page is open any more.
self.addEventListener("sync", (event) => {
  if (event.tag === "hearthline-outbox") event.waitUntil(sendWhatWaits());
});

async function sendWhatWaits() {
  const { who } = await person();
  if (!who) return;
  const urgent = await sendFor(who, true, tellPages);
  const came = await navigator.locks.request("hearthline-outbox", () => sendFor(who, false, tellPages));
  if (urgent === "again" || came === "again") throw new Error("again"); // the browser asks once more
}
