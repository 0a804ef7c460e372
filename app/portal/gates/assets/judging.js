// Whom the gate lets in, decided from what it carries: the bundle, and who passed here since.

import { PREFIX, Refused, cardDigest, cardNumber, outside, untimely, verified } from "./code.js";

const SHORTEST_CARD = 4, LONGEST_CARD = 40;
const CARD = /^[0-9A-Z .-]+$/; // anything else a visitor may hold before a camera is nobody's business
// What nobody at the gate can put right: there is no ticket, none any more, or none for here.
const FOR_GOOD = new Set(["malformed", "wrong_version", "unknown_key", "forged", "other_attraction", "revoked", "unknown_card"]);

// A bundle made ready: its lists as sets, its keys imported.
export function ready(bundle, keys) {
  return {
    ...bundle,
    keys,
    revoked: new Map(bundle.revoked.map(({ ticket_id: id, revision }) => [id, revision])),
    admitted: new Set(bundle.admitted),
    cards: { salt: bundle.cards.salt, byDigest: byDigest(bundle.cards.digests) },
  };
}

// A card is listed with each way in by it.
function byDigest(ways) {
  const found = new Map();
  for (const way of ways) found.set(way.digest, [...(found.get(way.digest) ?? []), way]);
  return found;
}

// Returns what was read, and why it opens nothing if it does not: {subject, ticketId | digest, persons, most, reason, …}.
// `persons` come in by one scan, `most` by the same ticket or card.
export async function examined(text, bundle, now) {
  return text.startsWith(PREFIX) ? examinedTicket(text, bundle, now) : examinedCard(text, bundle, now);
}

async function examinedTicket(text, bundle, now) {
  try {
    const code = await verified(text, bundle.keys);
    const isRevoked = code.revision <= (bundle.revoked.get(code.ticketId) ?? -1);
    const reason = untimely(code, bundle.attraction_tag, now) ?? (isRevoked ? "revoked" : null);
    return { ...code, kind: "ticket", text, subject: code.ticketId, most: code.persons, reason };
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    return { kind: "ticket", text, subject: null, persons: 0, reason: refusal.message };
  }
}

async function examinedCard(text, bundle, now) {
  const number = cardNumber(text);
  if (!CARD.test(text.normalize("NFKC").toUpperCase()) || number.length < SHORTEST_CARD || number.length > LONGEST_CARD) {
    return { kind: "card", text, subject: null, persons: 0, reason: "malformed" };
  }
  const digest = await cardDigest(number, bundle.cards.salt);
  const ways = bundle.cards.byDigest.get(digest);
  if (!ways) return { kind: "card", digest, subject: null, persons: 0, reason: "unknown_card" };
  const { way, reason, validFrom, validUntil } = wayIn(ways, now);
  const { ticket_id: ticketId, persons: most, entitlement, may_return: mayReturn } = way;
  // In place of a ticket's code it is that ticket: what passed by the one counts for the other. By itself it opens anew
  // every day, and again on the same.
  const subject = ticketId ?? `card ${digest} ${new Date(now).toDateString()}`;
  return { kind: "card", digest, ticketId, subject, persons: 1, most, mayReturn, entitlement, validFrom, validUntil, reason };
}

// Of the ways in by a card the first that is open now; if none is, the one that was open last, or is open next.
function wayIn(ways, now) {
  const timed = ways.map((way) => {
    const validFrom = way.valid_from && Date.parse(way.valid_from), validUntil = way.valid_until && Date.parse(way.valid_until);
    return { way, validFrom, validUntil, reason: outside(validFrom, validUntil, now) };
  });
  const latest = (one, other) => (other.validUntil > one.validUntil ? other : one);
  const next = (one, other) => (other.validFrom < one.validFrom ? other : one);
  const over = timed.filter(({ reason }) => reason === "over");
  return timed.find(({ reason }) => reason === null) ?? (over.length ? over.reduce(latest) : timed.reduce(next));
}

// Returns {decision, reason, pass}: `pass` is what is known of the subject from now on, null if nothing new is.
// `pass` given is what this gate knows of it: how many are inside by it, and how many came in.
export function decided(found, pass, bundle, direction) {
  const wasAdmitted = !pass && bundle.admitted.has(found.ticketId);
  if (direction === "exit") return goingOut(found, pass ?? (wasAdmitted ? letIn(found) : NOBODY));
  if (found.reason !== null) return refused(found.reason);
  if (wasAdmitted && !found.mayReturn) return refused("already_inside");
  const { inside, entered } = pass ?? NOBODY;
  if (inside + found.persons > found.most) return refused("already_inside");
  if (!found.mayReturn && entered + found.persons > found.most) return refused(inside ? "already_inside" : "no_reentry");
  return { decision: "admitted", reason: null, pass: letIn(found, pass) };
}

const NOBODY = { inside: 0, entered: 0 };
const refused = (reason) => ({ decision: "refused", reason, pass: null });

// Nobody is kept in: whoever leaves without having been seen to come in is only noted.
function goingOut(found, { inside, entered }) {
  if (!found.subject) return refused(found.reason);
  if (inside === 0) return { decision: "admitted", reason: "not_admitted", pass: null };
  return { decision: "admitted", reason: null, pass: { inside: Math.max(0, inside - found.persons), entered } };
}

// Returns what is known of a subject once these came in.
export function letIn({ persons }, { inside, entered } = NOBODY) {
  return { inside: inside + persons, entered: entered + persons };
}

// Says whether somebody who was refused can be let in all the same, by a person who answers for it.
export const canOverride = (found, verdict) => verdict.decision === "refused" && Boolean(found.subject) && !FOR_GOOD.has(verdict.reason);
