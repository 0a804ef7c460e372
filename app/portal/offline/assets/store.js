// What is kept on the device until it is sent. Pages and workers share it.
//
// An item belongs to one person (`who`). It is shown to nobody else and sent for nobody else; it outlives a sign-out. Not
// for ever: what stands there for long goes when anybody else opens a page, and its person is told that it did.

const NAME = "hearthline-outbox";
const ITEMS = "items";

const DAY = 24 * 3_600_000; // milliseconds
const KEPT_FOR_ANOTHER = 14 * DAY; // far longer than the server takes what it asks the time of, and than a holiday
const TOLD_FOR = 60 * DAY; // then nobody has come back to be told
const STORE_PATIENCE = 3_000; // milliseconds: some browsers never answer when they are asked for their store

let opening = null;

function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

function opened() {
  opening ??= Promise.race([open(), late()]).catch((error) => {
    opening = null; // it may be refused now and granted later
    throw error;
  });
  return opening;
}

// A store that says nothing is one that is refused: what was pressed must not wait for it.
function late() {
  return new Promise((_, reject) => { setTimeout(reject, STORE_PATIENCE, new Error("late")); });
}

async function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    const items = request.result.createObjectStore(ITEMS, { keyPath: "id", autoIncrement: true });
    items.createIndex("key", "key", { unique: true });
  };
  const database = await answered(request);
  database.onversionchange = () => { database.close(); opening = null; };
  database.onclose = () => { opening = null; };
  return database;
}

async function within(name, mode, work) {
  const database = await opened();
  // Strict: what is said to be kept is on the disk, and not in a cache that a flat battery empties.
  const transaction = database.transaction([name], mode, { durability: mode === "readwrite" ? "strict" : "default" });
  const finished = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
  });
  finished.catch(() => {}); // said by what is awaited below
  const result = await work(transaction.objectStore(name));
  await finished;
  return result;
}

/** Keeps an item and returns it; one with a key that is there already is the same item, and that one is returned. */
export function keepItem(item) {
  return within(ITEMS, "readwrite", async (items) => {
    const before = await answered(items.index("key").get(item.key));
    if (before) return before;
    const id = await answered(items.add(item));
    return { ...item, id };
  });
}

/** Returns what is kept of somebody, in the order it was given. */
export async function itemsOf(who) {
  const all = await within(ITEMS, "readonly", (items) => answered(items.getAll()));
  return all.filter((one) => one.who === who);
}

/** Returns the calls for help that wait on this device, whoever they are of. */
export async function callsForHelp() {
  const all = await within(ITEMS, "readonly", (items) => answered(items.getAll()));
  return all.filter((one) => one.kind === "sos" && one.state === "waiting");
}

/**
 * Lets go of what others than `who` have left here for long: what was in it goes, that there was something stays until
 * they have seen it. A call for help stays until it has arrived or its person puts it away: by a clock that was wrong
 * its age says nothing, and somebody may still wait. One that was refused as too old, as it once was, is tried again.
 */
export function sweep(who, now = Date.now()) {
  return within(ITEMS, "readwrite", async (items) => {
    for (const one of await answered(items.getAll())) {
      const { id, kind, given, key } = one;
      if (kind === "sos") {
        if (one.state === "refused" && one.status === 422 && !one.isTriedAgain) items.put({ ...one, state: "waiting", isTriedAgain: true });
      } else if (one.who !== who && now - given > TOLD_FOR) {
        items.delete(id);
      } else if (one.who !== who && now - given > KEPT_FOR_ANOTHER && one.state !== "gone") {
        items.put({ id, who: one.who, kind, key, given, state: "gone", says: "", action: "", fields: [] });
      }
    }
  });
}

/** Changes an item that is still there; returns it, or nothing. */
export function changeItem(id, values) {
  return within(ITEMS, "readwrite", async (items) => {
    const item = await answered(items.get(id));
    if (!item) return undefined;
    const changed = { ...item, ...values };
    items.put(changed);
    return changed;
  });
}

export function dropItem(id) {
  return within(ITEMS, "readwrite", (items) => { items.delete(id); });
}

/** Drops an item of which nothing has left the device yet; says whether it could. */
export function dropUnposted(id) {
  return within(ITEMS, "readwrite", async (items) => {
    const item = await answered(items.get(id));
    if (!item || item.posted) return false;
    items.delete(id);
    return true;
  });
}
