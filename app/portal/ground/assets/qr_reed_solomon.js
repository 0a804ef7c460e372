// Reed–Solomon over GF(256) with x⁸+x⁴+x³+x²+1, first root α⁰ (ISO/IEC 18004, 7.5.2): mends up to half as many bytes as
// were added.

const POWERS = new Uint8Array(512);
const LOGARITHMS = new Uint8Array(256);
for (let exponent = 0, value = 1; exponent < 255; exponent += 1) {
  POWERS[exponent] = POWERS[exponent + 255] = value;
  LOGARITHMS[value] = exponent;
  value = value & 0x80 ? (value << 1) ^ 0x11d : value << 1;
}

const times = (a, b) => (a && b ? POWERS[LOGARITHMS[a] + LOGARITHMS[b]] : 0);
const inverse = (a) => POWERS[255 - LOGARITHMS[a]];
// Lowest power first.
const valueAt = (polynomial, x) => polynomial.reduceRight((sum, coefficient) => times(sum, x) ^ coefficient, 0);

// The shortest feedback that makes the syndromes (Berlekamp and Massey): its roots tell where the errors are.
function locator(syndromes) {
  let current = [1], former = [1], length = 0, gap = 1, formerStep = 1;
  syndromes.forEach((syndrome, index) => {
    let step = syndrome;
    for (let at = 1; at <= length; at += 1) step ^= times(current[at] ?? 0, syndromes[index - at]);
    if (step === 0) {
      gap += 1;
      return;
    }
    const factor = times(step, inverse(formerStep)), kept = current;
    const size = Math.max(current.length, former.length + gap);
    current = Array.from({ length: size }, (_, at) => (current[at] ?? 0) ^ times(factor, former[at - gap] ?? 0));
    if (2 * length <= index) [length, former, formerStep, gap] = [index + 1 - length, kept, step, 1];
    else gap += 1;
  });
  return { polynomial: current.slice(0, length + 1), length };
}

// Returns the bytes mended, without those that were added; null where too much is wrong.
export function corrected(bytes, added) {
  const last = bytes.length - 1;
  const highestFirst = [...bytes].reverse();
  const syndromes = Array.from({ length: added }, (_, root) => valueAt(highestFirst, POWERS[root]));
  const mended = Uint8Array.from(bytes);
  if (syndromes.some((syndrome) => syndrome !== 0)) {
    const { polynomial, length } = locator(syndromes);
    if (2 * length > added) return null;
    const places = [];
    for (let place = 0; place < bytes.length; place += 1) if (valueAt(polynomial, POWERS[255 - place]) === 0) places.push(place);
    if (places.length !== length) return null;
    // How much is wrong at each place (Forney).
    const evaluator = syndromes.map((_, at) => polynomial.reduce((sum, one, shift) => sum ^ times(one, syndromes[at - shift] ?? 0), 0));
    const derivative = polynomial.slice(1).map((one, at) => (at % 2 === 0 ? one : 0));
    for (const place of places) {
      const x = POWERS[255 - place], slope = valueAt(derivative, x);
      if (slope === 0) return null;
      mended[last - place] ^= times(POWERS[place], times(valueAt(evaluator, x), inverse(slope)));
    }
    const again = [...mended].reverse();
    if (syndromes.some((_, root) => valueAt(again, POWERS[root]) !== 0)) return null;
  }
  return mended.slice(0, bytes.length - added);
}
