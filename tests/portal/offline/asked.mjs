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
