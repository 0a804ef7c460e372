// From the bytes to the text: numbers, capitals and bytes (ISO/IEC 18004, 7.4).

const CAPITALS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const END = 0, NUMBERS = 1, LETTERS = 2, BYTES = 4, CHARACTER_SET = 7;

class Bits {
  #bytes; #at = 0;

  constructor(bytes) { this.#bytes = bytes; }

  get left() { return this.#bytes.length * 8 - this.#at; }

  take(count) {
    if (count > this.left) throw new RangeError("the code ends too early");
    let value = 0;
    for (let taken = 0; taken < count; taken += 1, this.#at += 1) {
      value = (value << 1) | ((this.#bytes[this.#at >> 3] >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }
}

function numbers(bits, count) {
  let text = "";
  for (let left = count; left > 0; left -= 3) {
    const digits = Math.min(left, 3);
    text += String(bits.take([0, 4, 7, 10][digits])).padStart(digits, "0");
  }
  return text;
}

function letters(bits, count) {
  let text = "";
  for (let left = count; left > 1; left -= 2) {
    const pair = bits.take(11);
    text += CAPITALS[Math.floor(pair / 45)] + CAPITALS[pair % 45];
  }
  return count % 2 ? text + CAPITALS[bits.take(6)] : text;
}

function skipCharacterSet(bits) {
  const first = bits.take(8);
  if (first & 0x80) bits.take(first & 0x40 ? 16 : 8);
}

// Returns the text; null where the code holds what tickets and cards do not.
export function textOf(bytes, version) {
  const bits = new Bits(bytes), isSmall = version < 10;
  let text = "";
  try {
    while (bits.left >= 4) {
      const mode = bits.take(4);
      if (mode === END) break;
      else if (mode === NUMBERS) text += numbers(bits, bits.take(isSmall ? 10 : 12));
      else if (mode === LETTERS) text += letters(bits, bits.take(isSmall ? 9 : 11));
      else if (mode === BYTES) {
        const count = bits.take(isSmall ? 8 : 16);
        text += new TextDecoder().decode(Uint8Array.from({ length: count }, () => bits.take(8)));
      } else if (mode === CHARACTER_SET) skipCharacterSet(bits);
      else return null;
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return text || null;
}
