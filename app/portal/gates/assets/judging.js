// Whom the gate lets in, decided from what it carries: the bundle, and who passed here since.

import { PREFIX, Refused, cardDigest, cardNumber, untimely, verified } from "./code.js";

const SHORTEST_CARD = 4, LONGEST_CARD = 40;
// What nobody at the gate can put right: there is no ticket, none any more, or none for here.
const FOR_GOOD = new Set(["malformed", "wrong_version", "unknown_key", "forged", "other_attraction", "revoked", "unknown_card"]);

// A bundle made ready: its lists as sets, its keys imported.
export function ready(bundle, keys) {
  return {
    ...bundle,
    keys,
    revoked: new Map(bundle.revoked.map(({ ticket_id: id, revision }) => [id, revision])),
    admitted: new Set(bundle.admitted),
    digests: new Map(bundle.cards.digests.map((card) => [card.digest, card])),
  };
}

// Returns what was read, and why it opens nothing if it does not: {subject, ticketId | digest, persons, reason, ...}.
export async function examined(text, bundle, now) {
  return text.startsWith(PREFIX) ? examinedTicket(text, bundle, now) : examinedCard(text, bundle);
}

async function examinedTicket(text, bundle, now) {
  try {
    const code = await verified(text, bundle.keys);
    const isRevoked = code.revision <= (bundle.revoked.get(code.ticketId) ?? -1);
    const reason = untimely(code, bundle.attraction_tag, now) ?? (isRevoked ? "revoked" : null);
    return { ...code, kind: "ticket", text, subject: code.ticketId, reason };
  } catch (refusal) {
    if (!(refusal instanceof Refused)) throw refusal;
    return { kind: "ticket", text, subject: null, persons: 0, reason: refusal.message };
  }
}

async function examinedCard(text, bundle) {
  const number = cardNumber(text);
  if (number.length < SHORTEST_CARD || number.length > LONGEST_CARD) {
    return { kind: "card", text, subject: null, persons: 0, reason: "malformed" };
  }
  const digest = await cardDigest(number, bundle.cards.salt);
  const card = bundle.digests.get(digest);
  if (!card) return { kind: "card", digest, subject: null, persons: 0, reason: "unknown_card" };
  const { ticket_id: ticketId, persons, entitlement } = card;
  // A card in place of a ticket's code is that ticket: what passed by the one counts for the other.
  return { kind: "card", digest, ticketId, subject: ticketId ?? `card ${digest}`, persons, entitlement, reason: null };
}

// Returns {decision, reason, pass}: `pass` is what is known of the subject from now on, null if nothing new is.
// `pass` given is what this gate knows of it: {inside}.
export function decided(found, pass, bundle, direction) {
  const wasAdmitted = bundle.admitted.has(found.ticketId);
  if (direction === "exit") {
    if (!found.subject) return { decision: "refused", reason: found.reason, pass: null };
    // Nobody is kept in: whoever leaves without having been seen to come in is only noted.
    const isInside = pass ? pass.inside : wasAdmitted;
    return { decision: "admitted", reason: isInside ? null : "not_admitted", pass: isInside ? { inside: false } : null };
  }
  if (found.reason !== null) return { decision: "refused", reason: found.reason, pass: null };
  if (pass?.inside || (!pass && wasAdmitted && !found.mayReturn)) return { decision: "refused", reason: "already_inside", pass: null };
  if (pass && !found.mayReturn) return { decision: "refused", reason: "no_reentry", pass: null };
  return { decision: "admitted", reason: null, pass: { inside: true } };
}

// Says whether somebody who was refused can be let in all the same, by a person who answers for it.
export const canOverride = (found, verdict) => verdict.decision === "refused" && Boolean(found.subject) && !FOR_GOOD.has(verdict.reason);
