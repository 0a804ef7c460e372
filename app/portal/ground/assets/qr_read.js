// A QR code in a picture, read without help of the browser: most of those on desktops have none to give.

import { byNeighbourhood, byThreshold, grey } from "./qr_binarize.js";
import { alignments, estimatedVersion, triples } from "./qr_locate.js";
import { dataOf, LARGEST_VERSION } from "./qr_matrix.js";
import { projection, sample } from "./qr_sample.js";
import { textOf } from "./qr_text.js";

// Returns the text of a code in {data, width, height}, as a canvas gives it; null where none can be read.
export function read(image) {
  const bright = grey(image);
  for (const divide of [byNeighbourhood, byThreshold]) {
    const picture = divide(bright, image.width, image.height);
    for (const triple of triples(picture)) {
      const text = readAt(picture, triple);
      if (text !== null) return text;
    }
  }
  return null;
}

function readAt(picture, triple) {
  const guess = estimatedVersion(triple);
  for (const version of [guess, guess - 1, guess + 1]) {
    if (version < 1 || version > LARGEST_VERSION) continue;
    for (const place of placings(picture, triple, version * 4 + 17)) {
      const modules = place && sample(picture, place, version * 4 + 17);
      const data = modules && dataOf(modules, version);
      const text = data && textOf(data, version);
      if (text) return text;
    }
  }
  return null;
}

// The projections that may lead from modules to the picture: by an alignment pattern, or as seen from straight above.
function* placings(picture, triple, size) {
  const { corner, right, below } = triple;
  const known = [[3.5, 3.5], [size - 3.5, 3.5], [3.5, size - 3.5]];
  const seen = [corner, right, below].map(({ x, y }) => [x + 0.5, y + 0.5]);
  if (size > 21) {
    for (const { x, y } of alignments(picture, triple, size)) {
      yield projection([...known, [size - 6.5, size - 6.5]], [...seen, [x + 0.5, y + 0.5]]);
    }
  }
  const opposite = [right.x + below.x - corner.x + 0.5, right.y + below.y - corner.y + 0.5];
  yield projection([...known, [size - 3.5, size - 3.5]], [...seen, opposite]);
}
