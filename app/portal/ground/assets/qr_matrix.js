// From the modules to the bytes: level and mask, which modules hold data, and how blocks are interleaved
// (ISO/IEC 18004, 7.3 to 7.10). Versions 1 to 12: a ticket's code needs 6.

import { corrected } from "./qr_reed_solomon.js";

export const LARGEST_VERSION = 12;
// By level (in the order its two bits number them: M, L, H, Q) and version: added bytes of a block, number of blocks.
const ADDED = [
  [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22],
  [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24],
  [17, 28, 22, 16, 22, 28, 26, 26, 24, 28, 24, 28],
  [13, 22, 18, 26, 18, 24, 18, 22, 20, 24, 28, 26],
];
const BLOCKS = [
  [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8],
  [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4],
  [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11],
  [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10],
];
const ALIGNMENTS = [
  [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50], [6, 30, 54], [6, 32, 58],
];
const MASKS = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (row, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];
const FORMAT_MASK = 0x5412;

// The fifteen bits that say level and mask: five of them, and a BCH code of the rest.
const FORMATS = Array.from({ length: 32 }, (_, said) => {
  let rest = said << 10;
  for (let bit = 14; bit >= 10; bit -= 1) if (rest & (1 << bit)) rest ^= 0x537 << (bit - 10);
  return ((said << 10) | rest) ^ FORMAT_MASK;
});

const ones = (bits) => { let count = 0; for (let rest = bits; rest; rest &= rest - 1) count += 1; return count; };

// Returns level and mask; of the two places where they stand the better one counts. Null where neither can be read.
function format(modules, size) {
  const at = (row, column) => modules[row * size + column];
  const near = [], far = [];
  for (let bit = 0; bit < 8; bit += 1) {
    near.push(at(bit < 6 ? bit : bit + 1, 8));
    far.push(at(8, size - 1 - bit));
  }
  for (let bit = 8; bit < 15; bit += 1) {
    near.push(at(8, bit === 8 ? 7 : 14 - bit));
    far.push(at(size - 15 + bit, 8));
  }
  let best = { wrong: 4 };
  for (const bits of [near, far]) {
    const read = bits.reduce((sum, bit, index) => sum | (bit << index), 0);
    FORMATS.forEach((known, said) => {
      const wrong = ones(known ^ read);
      if (wrong < best.wrong) best = { wrong, level: said >> 3, mask: said & 7 };
    });
  }
  return best.level === undefined ? null : best;
}

// Which modules are the pattern's own and hold no data.
function reserved(version, size) {
  const taken = new Uint8Array(size * size);
  const fill = (top, left, rows, columns) => {
    for (let row = top; row < top + rows; row += 1) taken.fill(1, row * size + left, row * size + left + columns);
  };
  fill(0, 0, 9, 9);
  fill(0, size - 8, 9, 8);
  fill(size - 8, 0, 8, 9);
  fill(6, 0, 1, size);
  fill(0, 6, size, 1);
  const middles = ALIGNMENTS[version - 1], last = middles.at(-1);
  for (const row of middles) {
    for (const column of middles) {
      const isFinder = (row === 6 && column === 6) || (row === 6 && column === last) || (row === last && column === 6);
      if (!isFinder) fill(row - 2, column - 2, 5, 5);
    }
  }
  if (version >= 7) {
    fill(0, size - 11, 6, 3);
    fill(size - 11, 0, 3, 6);
  }
  return taken;
}

// The bytes in the order in which they were laid: up and down in pairs of columns, from the right.
function laidBytes(modules, version, size, mask) {
  const taken = reserved(version, size), flips = MASKS[mask];
  const bytes = [];
  let byte = 0, bits = 0, isUp = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const row = isUp ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (taken[row * size + column]) continue;
        byte = (byte << 1) | (modules[row * size + column] ^ (flips(row, column) ? 1 : 0));
        bits += 1;
        if (bits === 8) {
          bytes.push(byte);
          byte = bits = 0;
        }
      }
    }
    isUp = !isUp;
  }
  return bytes;
}

// Returns the data, with what was illegible mended; null where that is more than can be.
export function dataOf(modules, version) {
  const size = version * 4 + 17;
  const found = format(modules, size);
  if (found === null) return null;
  const all = laidBytes(modules, version, size, found.mask);
  const added = ADDED[found.level][version - 1], blocks = BLOCKS[found.level][version - 1];
  const short = Math.floor(all.length / blocks) - added, longer = all.length % blocks;
  const data = [];
  for (let block = 0; block < blocks; block += 1) {
    const isLong = block >= blocks - longer, bytes = [];
    for (let at = 0; at < short; at += 1) bytes.push(all[at * blocks + block]);
    if (isLong) bytes.push(all[short * blocks + block - (blocks - longer)]);
    for (let at = 0; at < added; at += 1) bytes.push(all[short * blocks + longer + at * blocks + block]);
    const mended = corrected(bytes, added);
    if (mended === null) return null;
    data.push(...mended);
  }
  return Uint8Array.from(data);
}
