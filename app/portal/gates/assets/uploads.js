// Brings scans to the API, in the order they were made and as often as it takes: each has a nonce, and counts once.

import { Denied, Unreachable } from "./server.js";

const BATCH = 500;
const AGAIN_MILLISECONDS = 15_000;

export class Uploads extends EventTarget {
  #store; #server; #isOn = false; #timer = null; #running = null; #isMore = false;

  constructor(store, server) {
    super();
    this.#store = store;
    this.#server = server;
    addEventListener("online", () => this.now());
  }

  start() {
    this.#isOn = true;
    this.now();
  }

  stop() {
    this.#isOn = false;
    clearTimeout(this.#timer);
  }

  // Uploads all there is, and tries again later if that fails. Resolves when it has been tried.
  now() {
    clearTimeout(this.#timer);
    this.#isMore = this.#running !== null; // what came meanwhile may have been missed
    this.#running ??= this.#all().finally(() => {
      this.#running = null;
      if (!this.#isOn) return;
      if (this.#isMore) this.now();
      else this.#timer = setTimeout(() => this.now(), AGAIN_MILLISECONDS);
    });
    return this.#running;
  }

  async #all() {
    if (!this.#isOn || !this.#server.isSignedIn) return;
    // Of several tabs one uploads; what another gate left on this device goes, too.
    await navigator.locks.request("hearthline-gates-upload", async () => {
      for (const gate of await this.#store.gatesUnsent()) {
        try {
          await this.#of(gate);
        } catch (error) {
          if (!(error instanceof Unreachable || error instanceof Denied)) throw error;
          this.dispatchEvent(new CustomEvent("failed", { detail: error }));
          if (error instanceof Unreachable) return;
        }
      }
    });
  }

  async #of(gate) {
    for (;;) {
      const scans = await this.#store.unsent(gate, BATCH);
      if (scans.length === 0) return;
      await this.#send(gate, scans);
      this.dispatchEvent(new Event("sent"));
    }
  }

  async #send(gate, scans) {
    const body = { scans: scans.map(({ sent }) => sent), sent_at: new Date().toISOString() };
    try {
      const { content } = await this.#server.ask("POST", `/v1/gates/${gate}/scans`, body);
      await this.#store.settle(content.results);
    } catch (error) {
      if (!(error instanceof Denied && error.status === 422)) throw error;
      // One of them makes no sense to the API: it is found, and does not hold the others up.
      if (scans.length === 1) return this.#store.settle([{ nonce: scans[0].nonce, outcome: "not_taken", reason: error.message }]);
      const half = Math.ceil(scans.length / 2);
      await this.#send(gate, scans.slice(0, half));
      await this.#send(gate, scans.slice(half));
    }
  }
}
