// What the people at the gate have to know of their device: network, what waits to be uploaded, how old its list is,
// whether its clock is right, and what was told back.

const $ = (id) => document.getElementById(id);
const CLOCK_MILLISECONDS = 2 * 60_000;

export class Status {
  #words; #language;
  isReached = navigator.onLine;

  constructor(words, language, server) {
    this.#words = words;
    this.#language = language;
    server.addEventListener("reached", () => this.network(true));
    server.addEventListener("unreached", () => this.network(false));
    addEventListener("offline", () => this.network(false));
    this.network(this.isReached);
  }

  moment(at) {
    const isToday = new Date(at).toDateString() === new Date().toDateString();
    const how = isToday ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
    return new Intl.DateTimeFormat(this.#language, how).format(at);
  }

  network(isReached) {
    this.isReached = isReached;
    $("network").textContent = this.#words[isReached ? "online" : "offline"];
    document.body.dataset.network = isReached ? "up" : "down";
  }

  unsent(count) {
    $("unsent").textContent = count === 0 ? this.#words.all_sent : this.#filled("unsent", { count });
    $("unsent").dataset.count = count;
  }

  // `at`: when something was last brought to the server from this device; undefined before the first time.
  synced(at) {
    $("synced").textContent = at ? this.#filled("synced", { at: this.moment(at) }) : this.#words.never_synced;
    $("synced").dataset.at = at ?? "";
  }

  list(at, isOld) {
    $("list").textContent = this.#filled("list_of", { at: this.moment(at) });
    this.#warn("list-old", isOld && this.#words.list_old);
  }

  // `offset`: milliseconds the device's clock is behind.
  clock(offset) {
    const minutes = Math.round(Math.abs(offset) / 60_000), isOff = Math.abs(offset) > CLOCK_MILLISECONDS;
    const by = minutes < 120 ? this.#filled("minutes", { count: minutes }) : this.#filled("hours", { count: Math.round(minutes / 60) });
    this.#warn("clock-off", isOff && this.#filled(offset > 0 ? "clock_behind" : "clock_ahead", { by }));
  }

  // What the server made of scans otherwise than the gate did.
  told(scans) {
    const other = scans.filter(({ outcome, decision, direction }) => outcome && direction === "entry" && outcome !== decision);
    $("told-list").replaceChildren(...other.slice(-20).reverse().map((scan) => {
      const key = `outcome_${scan.outcome}`, reason = this.#words[`reason_${scan.outcomeReason}`] ?? "";
      const line = Object.assign(document.createElement("li"), {
        textContent: [this.moment(scan.at), this.#words[key] ?? this.#words.outcome_refused, reason].filter(Boolean).join(" · "),
      });
      line.dataset.outcome = scan.outcome;
      return line;
    }));
    $("told").hidden = other.length === 0;
  }

  #warn(id, text) {
    $(id).hidden = !text;
    if (text && $(id).textContent !== text) $(id).textContent = text;
  }

  #filled(key, values) { return this.#words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]); }
}
