// Talks to the API as whoever is signed in, and learns from each answer how far the device's clock is off.

const EARLY_MILLISECONDS = 60_000;
const PATIENCE_MILLISECONDS = 20_000;
const DATE_MILLISECONDS = 1000; // as exactly as an answer's date tells the time

// The API cannot be reached: what was asked is asked again later.
export class Unreachable extends Error {}

// The API said no: `status`, and the code of its problem document.
export class Denied extends Error {
  constructor(status, code) {
    super(code);
    this.status = status;
  }
}

export class Server extends EventTarget {
  #store; #session = null;
  offset = 0; // milliseconds the device's clock is behind

  constructor(store) {
    super();
    this.#store = store;
  }

  async open() {
    this.#session = (await this.#store.get("session")) ?? null;
    this.offset = (await this.#store.get("offset")) ?? 0;
  }

  get isSignedIn() { return this.#session !== null; }

  // The time as the server has it.
  now() { return Date.now() + this.offset; }

  async #fetch(method, path, body, headers = {}, patience = PATIENCE_MILLISECONDS) {
    const asked = Date.now();
    let answer;
    try {
      answer = await fetch(path, {
        method,
        headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
        body: body && JSON.stringify(body),
        cache: "no-store",
        signal: AbortSignal.timeout(patience),
      });
    } catch (error) {
      this.#tell("unreached");
      throw new Unreachable(error.message);
    }
    if (answer.status >= 500 || answer.status === 429) {
      this.#tell("unreached");
      throw new Unreachable(String(answer.status));
    }
    this.#tell("reached");
    await this.#compare(answer.headers.get("Date"), asked);
    return answer;
  }

  #tell(what) { this.dispatchEvent(new Event(what)); }

  // A date says whole seconds: in the mean it is half a second later than it says.
  async #compare(date, asked) {
    const theirs = Date.parse(date ?? "");
    if (Number.isNaN(theirs)) return;
    const offset = theirs + 500 - (asked + Date.now()) / 2;
    if (Math.abs(offset - this.offset) < DATE_MILLISECONDS) return;
    this.offset = Math.round(offset);
    this.#tell("clock");
    if (this.isSignedIn) await this.#store.put("offset", this.offset);
  }

  async #content(answer) {
    const content = answer.status === 204 ? null : await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Denied(answer.status, content?.code ?? "failed");
    return content;
  }

  // Asks as nobody: before somebody signs in.
  async asNobody(method, path, body) { return this.#content(await this.#fetch(method, path, body)); }

  async signIn(tokens) {
    await this.#keep(tokens);
    await this.#store.put("offset", this.offset);
  }

  async #keep(tokens) {
    this.#session = {
      access: tokens.access_token,
      refresh: tokens.refresh_token,
      until: Date.now() + tokens.expires_in * 1000,
    };
    await this.#store.put("session", this.#session);
  }

  // Asks as whoever is signed in; the answer and its ETag, or null if nothing has changed.
  async ask(method, path, body, { etag, patience } = {}) {
    if (!this.isSignedIn) throw new Denied(401, "unauthenticated");
    if (Date.now() > this.#session.until - EARLY_MILLISECONDS) await this.#refresh(this.#session.access);
    const asked = () => this.#asked(method, path, body, etag, patience);
    let answer = await asked();
    if (answer.status === 401) {
      await this.#refresh(this.#session.access);
      answer = await asked();
    }
    if (answer.status === 304) return null;
    const content = await this.#content(answer).catch((denied) => {
      if (denied.status === 401) this.#ended();
      throw denied;
    });
    return { content, etag: answer.headers.get("ETag") };
  }

  #asked(method, path, body, etag, patience) {
    const headers = { Authorization: `Bearer ${this.#session.access}`, ...(etag ? { "If-None-Match": etag } : {}) };
    return this.#fetch(method, path, body, headers, patience);
  }

  // A refresh token is good once: of several tabs one exchanges it, the others take what it got.
  async #refresh(worn) {
    await navigator.locks.request("hearthline-gates-session", async () => {
      const kept = await this.#store.get("session");
      if (kept && kept.access !== worn) {
        this.#session = kept;
        return;
      }
      const answer = await this.#fetch("POST", "/v1/sign-in/refresh", { refresh_token: this.#session.refresh });
      if (answer.status === 401 || answer.status === 422) this.#ended();
      await this.#keep(await this.#content(answer));
    });
  }

  #ended() {
    this.#session = null;
    this.#tell("ended");
  }

  async signOut() {
    try {
      await this.ask("DELETE", "/v1/me/sessions/current");
    } catch (error) {
      // Without a network the session ends by itself: what would prolong it is forgotten here.
      if (!(error instanceof Unreachable || error instanceof Denied)) throw error;
    }
    this.#session = null;
  }
}
