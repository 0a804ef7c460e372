// Sends what is kept past a server that answers as it is told to: node sending.mjs <sending.js> <what is kept and answered>
// Prints what was posted, in order, what was told, what is kept afterwards, and how it ended.

import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [script, asked] = process.argv.slice(2);
const { items, answers, urgent } = JSON.parse(asked);

globalThis.kept = items.map((one, at) => {
  const fields = one.file ? [["photo", new File(["x"], "photo.jpg")]] : [];
  return { id: at + 1, who: "me", state: "waiting", given: 0, fields, ...one };
});
const posted = [], told = [];

globalThis.fetch = async (path, { body }) => {
  if (path === "/portal/outbox/person") return Response.json({ who: "me", csrf: "token", at: new Date().toISOString() });
  const key = body.get("key");
  posted.push(key);
  const answer = answers[key] ?? 200;
  if (answer === "none") throw new TypeError("no line");
  if (answer === "html") return new Response("<!doctype html>");
  const { status, code } = typeof answer === "object" ? answer : { status: answer };
  return Response.json({ said: "", code }, { status });
};

const folder = mkdtempSync(join(tmpdir(), "sending-"));
try {
  copyFileSync(script, join(folder, "sending.mjs"));
  const text = `
    export const itemsOf = async (who) => kept.filter((one) => one.who === who);
    export const dropItem = async (id) => { kept = kept.filter((one) => one.id !== id); };
    export async function changeItem(id, values) {
      kept = kept.map((one) => (one.id === id ? { ...one, ...values } : one));
      return kept.find((one) => one.id === id);
    }`;
  writeFileSync(join(folder, "store.js"), text);
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  const { sendFor } = await import(pathToFileURL(join(folder, "sending.mjs")));
  const ended = await sendFor("me", urgent, ({ what, item }) => told.push([what, item.key]));
  console.log(JSON.stringify({ ended, posted, told, kept: kept.map(({ key, state }) => [key, state]), unsure: kept.filter(({ isUnsure }) => isUnsure).map(({ key }) => key) }));
} finally {
  rmSync(folder, { recursive: true });
}
