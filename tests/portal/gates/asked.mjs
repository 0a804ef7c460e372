// Asks the page's scripts what a test wants to know: node asked.mjs <assets> <kind> <file with the question>
// The reader of codes lies beside what all pages share.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [assets, kind, file] = process.argv.slice(2);
const { read } = await import(pathToFileURL(`${assets}/../../ground/assets/qr_read.js`));
const codes = await import(pathToFileURL(`${assets}/code.js`));
const judging = await import(pathToFileURL(`${assets}/judging.js`));

async function verdict(text, keys, tag, now) {
  try {
    const code = await codes.verified(text, keys);
    return { verdict: codes.untimely(code, tag, now) ?? "valid", code };
  } catch (refusal) {
    if (!(refusal instanceof codes.Refused)) throw refusal;
    return { verdict: refusal.message };
  }
}

const ANSWERS = {
  // Pictures lie beside the question, a byte of grey for each pixel.
  async pictures({ pictures }) {
    return pictures.map(({ path, width, height }) => {
      const grey = readFileSync(path), data = new Uint8ClampedArray(grey.length * 4);
      grey.forEach((value, at) => data.set([value, value, value, 255], at * 4));
      return read({ data, width, height });
    });
  },
  async codes({ keys, tag, texts }) {
    const ready = await codes.imported(keys);
    return Promise.all(texts.map(({ text, at }) => verdict(text, ready, tag, Date.parse(at))));
  },
  async digests({ salt, numbers }) {
    return Promise.all(numbers.map((number) => codes.cardDigest(codes.cardNumber(number), salt)));
  },
  // Scans at one gate, one after the other, with what it knows of those before.
  async scans({ bundle, scans }) {
    const ready = judging.ready(bundle, await codes.imported(bundle.keys));
    const passes = new Map(), said = [];
    for (const { text, at, direction } of scans) {
      const found = await judging.examined(text, ready, Date.parse(at));
      const verdict = judging.decided(found, passes.get(found.subject), ready, direction);
      if (verdict.pass) passes.set(found.subject, verdict.pass);
      said.push({ decision: verdict.decision, reason: verdict.reason, overridable: judging.canOverride(found, verdict) });
    }
    return said;
  },
};

console.log(JSON.stringify(await ANSWERS[kind](JSON.parse(readFileSync(file)))));
