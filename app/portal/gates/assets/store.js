// What the gate keeps on the device: who is signed in, the bundle, who passed, and what is still to be uploaded.
// Everything of a person goes when they sign out; a scan is written before anybody is let in.

const NAME = "hearthline-gates";
const KEPT_MILLISECONDS = 2 * 24 * 60 * 60 * 1000;

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export class Store {
  #database = null;

  async open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      const database = request.result;
      database.createObjectStore("kept");
      database.createObjectStore("passes", { keyPath: "subject" });
      const scans = database.createObjectStore("scans", { keyPath: "nonce" });
      scans.createIndex("unsent", ["gate", "unsent", "at"]);
      scans.createIndex("at", "at");
    };
    this.#database = await done(request);
    // Another tab signs out, or brings a newer version: this one lets go and begins anew.
    this.#database.onversionchange = () => {
      this.#database.close();
      location.reload();
    };
  }

  #begin(names, mode) {
    return this.#database.transaction(names, mode, { durability: mode === "readwrite" ? "strict" : "default" });
  }

  async #written(names, change) {
    const transaction = this.#begin(names, "readwrite");
    const finished = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
    const answer = await change(...names.map((name) => transaction.objectStore(name)));
    await finished;
    return answer;
  }

  get(name) { return done(this.#begin(["kept"], "readonly").objectStore("kept").get(name)); }

  put(name, value) { return this.#written(["kept"], (kept) => { kept.put(value, name); }); }

  // Decides with what is known of the subject, and writes both the decision and what follows from it, or neither.
  // Two tabs, or two readings at once, come one after the other.
  record(subject, decide) {
    return this.#written(["passes", "scans"], async (passes, scans) => {
      const pass = subject ? await done(passes.get(subject)) : undefined;
      const { scan, pass: now } = decide(pass);
      if (now) passes.put({ subject, at: scan.at, ...now });
      scans.put(scan);
      return scan;
    });
  }

  // Returns what is known of who passed by a ticket or a card.
  passOf(subject) { return done(this.#begin(["passes"], "readonly").objectStore("passes").get(subject)); }

  // Returns what is not yet uploaded of a gate, the oldest first.
  unsent(gate, most) {
    const scans = this.#begin(["scans"], "readonly").objectStore("scans");
    return done(scans.index("unsent").getAll(IDBKeyRange.bound([gate, 1], [gate, 2]), most));
  }

  // Returns the gates of which something is not yet uploaded.
  async gatesUnsent() {
    const index = this.#begin(["scans"], "readonly").objectStore("scans").index("unsent");
    const gates = [];
    const request = index.openKeyCursor();
    for (let cursor = await done(request); cursor; cursor = await done(request)) {
      gates.push(cursor.key[0]);
      cursor.continue([cursor.key[0], 2]); // past all of this gate
    }
    return gates;
  }

  countUnsent() {
    const index = this.#begin(["scans"], "readonly").objectStore("scans").index("unsent");
    return done(index.count());
  }

  // What was uploaded keeps how it ended, and nothing by which a ticket could be used.
  settle(outcomes) {
    return this.#written(["scans"], async (scans) => {
      for (const { nonce, outcome, reason } of outcomes) {
        const scan = await done(scans.get(nonce));
        if (!scan) continue;
        const { unsent, sent, ...rest } = scan;
        scans.put({ ...rest, outcome, outcomeReason: reason });
      }
    });
  }

  // Returns the scans since an instant, the oldest first.
  since(at) {
    const index = this.#begin(["scans"], "readonly").objectStore("scans").index("at");
    return done(index.getAll(IDBKeyRange.lowerBound(at)));
  }

  // Forgets what is over and uploaded.
  prune(now) {
    return this.#written(["passes", "scans"], async (passes, scans) => {
      const before = now - KEPT_MILLISECONDS;
      for (const scan of await done(scans.index("at").getAll(IDBKeyRange.upperBound(before)))) {
        if (!scan.unsent) scans.delete(scan.nonce);
      }
      for (const pass of await done(passes.getAll())) if (pass.at < before) passes.delete(pass.subject);
    });
  }

  // A session that was ended elsewhere: all goes but what says who came in or went out and is still to be uploaded.
  keepOnlyPasses() {
    return this.#written(["kept", "passes", "scans"], async (kept, passes, scans) => {
      kept.clear();
      passes.clear();
      for (const scan of await done(scans.getAll())) if (!scan.unsent || scan.decision !== "admitted") scans.delete(scan.nonce);
    });
  }

  // Nothing is left of whoever was signed in.
  async erase() {
    this.#database.onversionchange = null;
    this.#database.close();
    await done(indexedDB.deleteDatabase(NAME));
    await this.open();
  }
}
