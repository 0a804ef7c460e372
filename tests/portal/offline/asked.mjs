// Runs the scripts that send what waits, and that keep a browser reachable, with what a browser gives written down
// beside them: node asked.mjs <kind> <file with the question>

import { readFileSync } from "node:fs";

const [kind, file] = process.argv.slice(2);
const question = JSON.parse(readFileSync(file, "utf8"));

function answer({ status, body }) {
  return { status, ok: status < 300, json: async () => body };
}

const ANSWERS = {
  // One item waits; the server answers what it is sent as the question says.
  async sending({ scripts, item, answered }) {
    const { items, put } = await import(`${scripts}/store.js`);
    put(item);
    const signedIn = { who: item.who, csrf: "c", at: new Date().toISOString() };
    globalThis.fetch = async (path) => answer(path === item.action ? answered : { status: 200, body: signedIn });
    const { sendFor } = await import(`${scripts}/sending.js`);
    const how = await sendFor(item.who, false, () => {});
    return { how, items: items() };
  },
  // A call for help waits; its person opens a page that has no outbox. What do the other pages hear?
  async unsent({ scripts, item }) {
    const { items, put } = await import(`${scripts}/store.js`);
    put(item);
    const signedIn = { who: item.who, csrf: "c", at: new Date().toISOString() };
    globalThis.fetch = async (path) => answer({ status: 200, body: path === item.action ? { said: "" } : signedIn });
    globalThis.indexedDB = {};
    const place = { hidden: true };
    globalThis.document = { documentElement: { dataset: { pushWho: item.who } }, getElementById: () => place, querySelector: () => null };
    const other = new BroadcastChannel("hearthline-outbox");
    const heard = new Promise((resolve) => {
      other.onmessage = ({ data }) => resolve(data);
      setTimeout(resolve, 2000, null);
    });
    await import(`${scripts}/unsent.js`);
    const data = await heard;
    other.close();
    return { heard: data, left: items().length };
  },
  // A worker of an earlier version kept whom to phone; one of now keeps it, as the server says it. What is shown?
  async standing({ scripts, path, before, now }) {
    const stores = new Map();
    const matched = async (store, asked) => store.get(asked)?.clone();
    const open = async (name) => {
      if (!stores.has(name)) stores.set(name, new Map());
      const store = stores.get(name);
      return { addAll: async () => {}, put: async (one, what) => void store.set(one, what), match: (one) => matched(store, one) };
    };
    const match = async (asked) => {
      for (const store of stores.values()) if (store.has(asked)) return matched(store, asked);
      return undefined;
    };
    globalThis.caches = { open, match, keys: async () => [...stores.keys()], delete: async (name) => stores.delete(name) };
    const page = ({ text, isLocal }) => new Response(text, { headers: isLocal ? { "X-Local": "1" } : {} });
    await (await open("hearthline-files:/me:earlier")).put(path, page(before));
    const shown = [];
    for (const one of now) {
      const on = {};
      globalThis.self = { addEventListener: (name, then) => { on[name] = then; } };
      globalThis.location = { origin: "https://here" };
      globalThis.Request = class { constructor(url) { this.url = url; } };
      globalThis.fetch = async (asked) => {
        if (asked.mode === "navigate") throw new TypeError("no line");
        return page(one);
      };
      await import(`${scripts}/worker.js?${shown.length}`);
      const done = [];
      on.install({ waitUntil: (what) => done.push(what) });
      await Promise.all(done);
      on.fetch({
        request: { method: "GET", mode: "navigate", url: "https://here/me/else" },
        waitUntil: () => {},
        respondWith: (what) => done.push(what),
      });
      shown.push(await (await done.at(-1)).text());
    }
    return shown;
  },
  // A page hears that its reader's rights may be others while the server is down. How often is it asked for in so long?
  async looking({ scripts, minutes }) {
    const waiting = [], on = {}, asked = [];
    let now = 0;
    globalThis.setTimeout = (then, after = 0) => {
      const one = { at: now + after, then };
      waiting.push(one);
      return one;
    };
    globalThis.clearTimeout = (one) => waiting.includes(one) && waiting.splice(waiting.indexOf(one), 1);
    globalThis.setInterval = () => {};
    performance.now = () => now;
    globalThis.addEventListener = () => {};
    globalThis.location = { pathname: "/portal/residents", search: "" };
    const line = { dataset: {}, classList: { add() {}, remove() {} } };
    globalThis.document = {
      documentElement: { dataset: {} }, body: { classList: { contains: () => false } }, addEventListener() {},
      getElementById: (id) => (id === "line-status" ? line : null), querySelectorAll: () => [], querySelector: () => null,
    };
    globalThis.EventSource = class { addEventListener(name, then) { on[name] = then; } close() {} };
    globalThis.fetch = async () => {
      asked.push(now);
      return { status: 503, ok: false, headers: new Headers(), text: async () => "" };
    };
    await import(`${scripts}/live.js`);
    on.ready();
    on.changed({ data: JSON.stringify({ topics: ["*"], spread: 0 }) });
    for (;;) {
      const next = waiting.toSorted((one, other) => one.at - other.at)[0];
      if (!next || next.at > minutes * 60_000) break;
      waiting.splice(waiting.indexOf(next), 1);
      now = next.at;
      next.then();
      await new Promise(setImmediate);
    }
    const before = asked.length;
    on.ready();
    const wait = waiting.length ? Math.min(...waiting.map(({ at }) => at)) - now : null;
    return { asked: before, last: asked.at(-1) - asked.at(-2), wait };
  },
  // Somebody opens a page of a browser in which notifications were switched on for whom the question names.
  async pushing({ scripts, who, opens }) {
    const ended = [], closed = [], kept = new Map([["hearthline.push.who", who]]);
    const registration = (scope) => ({
      active: {},
      getNotifications: async () => [{ close: () => closed.push(scope) }],
      pushManager: { getSubscription: async () => ({ unsubscribe: async () => ended.push(scope) }) },
    });
    const serviceWorker = { getRegistrations: async () => ["/portal/", "/me"].map(registration), getRegistration: async (scope) => registration(scope) };
    Object.defineProperty(globalThis, "navigator", { value: { serviceWorker } });
    globalThis.window = { PushManager: {}, Notification: {} };
    globalThis.Notification = { permission: "granted" };
    globalThis.document = { documentElement: { dataset: {} } };
    globalThis.localStorage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) };
    globalThis.fetch = async () => answer({ status: 200, body: { web_push_key: null } });
    const { keepAlive } = await import(`${scripts}/subscribing.js`);
    await keepAlive(opens, "s2");
    return { ended, closed, who: kept.get("hearthline.push.who") };
  },
};

console.log(JSON.stringify(await ANSWERS[kind](question)));
