// A ticket's code, read and verified without a network: `HL1:` and Base45 (RFC 9285) of 98 bytes, signed with Ed25519
// (RFC 8032) over "HL1" and the first 34 of them. Written from docs/gates.md alone.

export const PREFIX = "HL1:";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const LENGTH = 98, SIGNED = 34, VERSION = 1;
const CHECK_NAME = 1, SHOW_ENTITLEMENT = 2, MAY_RETURN = 4;
const DOMAIN = new TextEncoder().encode("HL1");
const MINUTE = 60_000;

export class Refused extends Error {}

export function fromBase45(text) {
  if (text.length % 3 === 1) throw new Refused("malformed");
  const bytes = [];
  for (let at = 0; at < text.length; at += 3) {
    const digits = [...text.slice(at, at + 3)].map((sign) => ALPHABET.indexOf(sign));
    const value = digits.reduceRight((sum, digit) => sum * 45 + digit, 0);
    if (digits.includes(-1) || value > (digits.length === 3 ? 0xffff : 0xff)) throw new Refused("malformed");
    bytes.push(...(digits.length === 3 ? [value >> 8, value & 0xff] : [value]));
  }
  return Uint8Array.from(bytes);
}

export function fromBase64Url(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
}

export function toBase64Url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Returns the keys of a bundle by their number, ready to verify with.
export async function imported(keys) {
  const ready = keys.map(async ({ number, public: bytes }) => [
    number, await crypto.subtle.importKey("raw", fromBase64Url(bytes), "Ed25519", false, ["verify"]),
  ]);
  return new Map(await Promise.all(ready));
}

// Returns what the code says, if one of the keys signed it; throws `Refused`: malformed, wrong_version, unknown_key or
// forged, found in this order. Times are in milliseconds.
export async function verified(text, keys) {
  if (!text.startsWith(PREFIX)) throw new Refused("malformed");
  const bytes = fromBase45(text.slice(PREFIX.length));
  if (bytes.length !== LENGTH) throw new Refused("malformed");
  if (bytes[0] !== VERSION) throw new Refused("wrong_version");
  const key = keys.get(bytes[1]);
  if (!key) throw new Refused("unknown_key");
  const message = Uint8Array.from([...DOMAIN, ...bytes.subarray(0, SIGNED)]);
  if (!(await crypto.subtle.verify("Ed25519", key, bytes.subarray(SIGNED), message))) throw new Refused("forged");
  const flags = bytes[32];
  if (bytes[33] || flags & ~(CHECK_NAME | SHOW_ENTITLEMENT | MAY_RETURN)) throw new Refused("malformed");
  const view = new DataView(bytes.buffer);
  const id = hex(bytes.subarray(2, 18));
  return {
    keyNumber: bytes[1],
    ticketId: [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join("-"),
    validFrom: view.getUint32(18) * MINUTE,
    validUntil: view.getUint32(22) * MINUTE,
    attractionTag: hex(bytes.subarray(26, 30)),
    persons: bytes[30],
    revision: bytes[31],
    isNameChecked: Boolean(flags & CHECK_NAME),
    isEntitlementShown: Boolean(flags & SHOW_ENTITLEMENT),
    mayReturn: Boolean(flags & MAY_RETURN),
  };
}

// Returns why a code that was verified opens nothing here and now; null if it does.
export function untimely(code, attractionTag, now) {
  return code.attractionTag !== attractionTag ? "other_attraction" : outside(code.validFrom, code.validUntil, now);
}

// Returns whether now is before or after some times, null if it is neither; a time that is null sets no bound.
export function outside(from, until, now) {
  if (from !== null && now < from) return "not_yet";
  return until !== null && now >= until ? "over" : null;
}

// A number as cards are compared by: however it is spaced, hyphenated or typed in full width.
export const cardNumber = (text) => text.normalize("NFKC").toUpperCase().replace(/[^0-9A-Z]/g, "");

// Returns under what a card is found in a bundle, whose salt makes it worthless elsewhere.
export async function cardDigest(number, salt) {
  const salted = Uint8Array.from([...fromBase64Url(salt), ...new TextEncoder().encode(number)]);
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", salted)).subarray(0, 16));
}
