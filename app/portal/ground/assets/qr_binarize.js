// From grey to dark and light: what is darker than its surroundings is dark, whatever shadow lies over the picture.

const DARKER_THAN_AROUND = 0.92;

// `data` as a canvas gives it: red, green, blue, opacity. Returns a byte of brightness for each pixel.
export function grey({ data, width, height }) {
  const bright = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < bright.length; at += 1, from += 4) {
    bright[at] = (data[from] * 77 + data[from + 1] * 150 + data[from + 2] * 29) >> 8;
  }
  return bright;
}

// Compares each pixel with the mean of a square around it; sums over all that is above and to the left make that cheap.
export function byNeighbourhood(bright, width, height) {
  const row = width + 1;
  const sums = new Uint32Array(row * (height + 1));
  for (let y = 0; y < height; y += 1) {
    let sum = 0;
    for (let x = 0; x < width; x += 1) {
      sum += bright[y * width + x];
      sums[(y + 1) * row + x + 1] = sums[y * row + x + 1] + sum;
    }
  }
  const reach = Math.max(8, Math.round(Math.min(width, height) / 10));
  const dark = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const top = Math.max(0, y - reach) * row, bottom = Math.min(height, y + reach + 1) * row;
    const rows = (bottom - top) / row;
    for (let x = 0; x < width; x += 1) {
      const left = Math.max(0, x - reach), right = Math.min(width, x + reach + 1);
      const sum = sums[bottom + right] - sums[top + right] - sums[bottom + left] + sums[top + left];
      if (bright[y * width + x] * rows * (right - left) < sum * DARKER_THAN_AROUND) dark[y * width + x] = 1;
    }
  }
  return { dark, width, height };
}

// One threshold for all, that divides the brightnesses best (Otsu 1979): for codes so near that they fill the picture.
export function byThreshold(bright, width, height) {
  const counts = new Uint32Array(256);
  for (const value of bright) counts[value] += 1;
  const total = counts.reduce((sum, count, value) => sum + count * value, 0);
  let best = -1, threshold = 128, below = 0, sumBelow = 0;
  for (let value = 0; value < 256; value += 1) {
    below += counts[value];
    sumBelow += counts[value] * value;
    const above = bright.length - below;
    if (!below || !above) continue;
    const apart = below * above * (sumBelow / below - (total - sumBelow) / above) ** 2;
    if (apart > best) [best, threshold] = [apart, value];
  }
  return { dark: bright.map((value) => (value <= threshold ? 1 : 0)), width, height };
}
