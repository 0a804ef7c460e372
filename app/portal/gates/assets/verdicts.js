// What is shown of a verdict: a sign, a word and a colour that say the same, why, and what is still to be looked at.

import { signal } from "./signals.js";

const $ = (id) => document.getElementById(id);
const SIGNS = { admitted: "✓", left: "→", refused: "✕", noted: "!" };

const item = (text) => Object.assign(document.createElement("li"), { textContent: text });
const said = (words, key, values) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// Returns what is said of a scan: {kind, title, why, checks}.
export function spoken(words, scan, found, moment) {
  const isExit = scan.direction === "exit", isIn = scan.decision === "admitted";
  const kind = !isIn ? "refused" : !isExit ? "admitted" : scan.reason ? "noted" : "left";
  const checks = [];
  if (isIn && !isExit) {
    checks.push(scan.persons === 1 ? words.one_person : said(words, "persons", { count: scan.persons }));
    if (found.most > scan.persons) checks.push(said(words, "persons_by_one", { count: found.most }));
    if (found.isNameChecked) checks.push(words.check_name);
    if (found.isEntitlementShown) checks.push(words.check_entitlement);
    if (found.entitlement) checks.push(words[`entitlement_${found.entitlement}`] ?? found.entitlement);
    if (scan.isOverride) checks.push(words.overridden);
  }
  const reason = scan.reason && (words[`reason_${scan.reason}`] ?? words.reason_other);
  const when = { not_yet: found.validFrom, over: found.validUntil }[scan.reason];
  return { kind, title: words[`verdict_${kind}`], why: when ? `${reason} ${moment(when)}` : reason ?? "", checks };
}

export function show({ kind, title, why, checks }) {
  const panel = $("verdict");
  panel.dataset.kind = kind;
  $("sign").textContent = SIGNS[kind];
  $("verdict-title").textContent = title;
  $("verdict-why").textContent = why;
  $("verdict-checks").replaceChildren(...checks.map(item));
  // The same said twice is announced twice.
  panel.classList.remove("new");
  requestAnimationFrame(() => panel.classList.add("new"));
  signal(kind === "refused" ? "refused" : "admitted");
}

// Nothing of the visitor before is left to be taken for the next one's.
export function clear(title) {
  const panel = $("verdict");
  panel.dataset.kind = "waiting";
  $("sign").textContent = "";
  $("verdict-title").textContent = title;
  $("verdict-why").textContent = "";
  $("verdict-checks").replaceChildren();
}

// Counts people by day and direction, as this device has let them pass.
export class Counts {
  #of = { admitted: 0, left: 0, refused: 0 };

  reset(scans) {
    this.#of = { admitted: 0, left: 0, refused: 0 };
    for (const scan of scans) this.#take(scan);
    this.#show();
  }

  add(scan) {
    this.#take(scan);
    this.#show();
  }

  #take({ decision, direction, persons }) {
    if (decision !== "admitted") this.#of.refused += 1;
    else this.#of[direction === "exit" ? "left" : "admitted"] += persons;
  }

  #show() {
    for (const [name, count] of Object.entries(this.#of)) $(`count-${name}`).textContent = count;
    $("count-inside").textContent = Math.max(0, this.#of.admitted - this.#of.left);
  }
}
