// Where the code lies: three finder patterns, recognized by dark and light in the proportion 1:1:3:1:1 on any line
// through their middle, however they are turned (ISO/IEC 18004, 6.3.3 and 12).

const MOST_CANDIDATES = 12;
const MOST_TRIPLES = 8;

const isDark = (picture, x, y) => picture.dark[y * picture.width + x] === 1;

function isFinder(runs) {
  const total = runs[0] + runs[1] + runs[2] + runs[3] + runs[4];
  if (total < 7) return false;
  const module = total / 7, slack = module * 0.6 + 0.5;
  return [1, 1, 3, 1, 1].every((wanted, index) => Math.abs(runs[index] - wanted * module) < (wanted === 3 ? 2 : 1) * slack);
}

// The five runs through (x, y) in a direction, measured outward from it; null where they are none of a finder's.
function cross(picture, x, y, dx, dy) {
  const half = (sign) => {
    const runs = [0, 0, 0];
    let wanted = true, index = 0, cx = x, cy = y;
    while (index < 3 && cx >= 0 && cy >= 0 && cx < picture.width && cy < picture.height) {
      if (isDark(picture, cx, cy) === wanted) {
        runs[index] += 1;
        cx += sign * dx;
        cy += sign * dy;
      } else {
        index += 1;
        wanted = !wanted;
      }
    }
    return index === 3 || runs[2] > 0 ? runs : null;
  };
  const back = half(-1), on = half(1);
  if (!back || !on) return null;
  const runs = [back[2], back[1], back[0] + on[0] - 1, on[1], on[2]];
  if (!isFinder(runs)) return null;
  return { middle: (on[0] - back[0]) / 2, length: runs.reduce((sum, run) => sum + run) };
}

function candidates(picture) {
  const found = [];
  const note = (x, y, across, down) => {
    const near = found.find((one) => Math.hypot(one.x - x, one.y - y) < Math.max(3, one.across / 7));
    if (!near) return found.push({ x, y, across, down, times: 1 });
    const all = near.times + 1;
    for (const [name, value] of Object.entries({ x, y, across, down })) near[name] += (value - near[name]) / all;
    near.times = all;
  };
  for (let y = 0; y < picture.height; y += 1) {
    const runs = [0, 0, 0, 0, 0];
    let state = false;
    for (let x = 0; x <= picture.width; x += 1) {
      const dark = x < picture.width && isDark(picture, x, y);
      if (dark === state) {
        runs[4] += 1;
        continue;
      }
      if (state && isFinder(runs)) {
        const cx = Math.round(x - runs[4] - runs[3] - runs[2] / 2);
        const down = cross(picture, cx, y, 0, 1);
        const cy = down && Math.round(y + down.middle);
        const across = down && cross(picture, cx, cy, 1, 0);
        if (across) note(cx + across.middle, y + down.middle, across.length, down.length);
      }
      runs.shift();
      runs.push(1);
      state = dark;
    }
  }
  // What one line alone takes for a pattern is noise: a pattern is three modules high.
  return found.filter(({ times }) => times > 1).sort((one, other) => other.times - one.times).slice(0, MOST_CANDIDATES);
}

const apart = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

// Puts three in their places: the corner is opposite the longest side, the others are told apart by the way round.
function placed(three) {
  const [a, b, c] = three;
  const sides = [[apart(b, c), a, b, c], [apart(a, c), b, a, c], [apart(a, b), c, a, b]].sort((one, other) => other[0] - one[0]);
  const [longest, corner, one, other] = sides[0];
  const turn = (one.x - corner.x) * (other.y - corner.y) - (one.y - corner.y) * (other.x - corner.x);
  const [right, below] = turn > 0 ? [one, other] : [other, one];
  const across = apart(corner, right), down = apart(corner, below);
  const sizes = three.map((finder) => (finder.across + finder.down) / 2);
  const uneven = Math.max(...sizes) / Math.min(...sizes) - 1;
  // A right angle between two sides of one length, as far as the way it is held allows.
  const skew = Math.abs(Math.log(across / down)) + Math.abs(longest / Math.hypot(across, down) - 1);
  return { corner, right, below, cost: 2 * skew + uneven };
}

// Returns what may be a code's three finder patterns, the likeliest first: {corner, right, below}.
export function triples(picture) {
  const found = candidates(picture);
  const all = [];
  for (let a = 0; a < found.length; a += 1) {
    for (let b = a + 1; b < found.length; b += 1) {
      for (let c = b + 1; c < found.length; c += 1) all.push(placed([found[a], found[b], found[c]]));
    }
  }
  return all.filter(({ cost }) => cost < 1.5).sort((one, other) => one.cost - other.cost).slice(0, MOST_TRIPLES);
}

// Along which way a side runs, how long a module is on it, and how many modules lie between its two middles.
function side(from, to) {
  const dx = to.x - from.x, dy = to.y - from.y, length = Math.hypot(dx, dy);
  // A level line through a turned square is longer than its side.
  const turned = Math.max(Math.abs(dx), Math.abs(dy)) / length;
  const module = ((from.across + from.down + to.across + to.down) / 28) * turned;
  return { module, modules: length / module };
}

// Returns the version that the distances of the finder patterns speak for; it may be one off.
export function estimatedVersion({ corner, right, below }) {
  const modules = (side(corner, right).modules + side(corner, below).modules) / 2 + 7;
  return Math.round((modules - 17) / 4);
}

// Returns where an alignment pattern may be, the likeliest first: the middle, seen from the finder patterns, is looked
// for around the place it has if the picture was taken from straight above.
export function alignments(picture, { corner, right, below }, size) {
  const span = size - 7;
  const ax = (right.x - corner.x) / span, ay = (right.y - corner.y) / span;
  const bx = (below.x - corner.x) / span, by = (below.y - corner.y) / span;
  const module = Math.hypot(ax, ay), out = size - 10;
  const middleX = corner.x + out * (ax + bx), middleY = corner.y + out * (ay + by);
  const reach = Math.ceil(module * Math.min(9, 3 + size / 8));
  const step = Math.max(1, Math.floor(module / 4));
  const found = [];
  for (let dy = -reach; dy <= reach; dy += step) {
    for (let dx = -reach; dx <= reach; dx += step) {
      const x = middleX + dx, y = middleY + dy;
      const right25 = likeness(picture, x, y, ax, ay, bx, by);
      if (right25 >= 21) found.push({ x, y, right25, far: Math.hypot(dx, dy) / module });
    }
  }
  return merged(found, module);
}

// How many of the 25 modules around a place are as in an alignment pattern.
function likeness(picture, x, y, ax, ay, bx, by) {
  let right = 0;
  for (let row = -2; row <= 2; row += 1) {
    for (let column = -2; column <= 2; column += 1) {
      const px = Math.round(x + column * ax + row * bx), py = Math.round(y + column * ay + row * by);
      if (px < 0 || py < 0 || px >= picture.width || py >= picture.height) continue;
      const ring = Math.max(Math.abs(row), Math.abs(column));
      if (isDark(picture, px, py) === (ring !== 1)) right += 1;
    }
  }
  return right;
}

// Places beside each other are one place: their middle.
function merged(found, module) {
  const groups = [];
  for (const one of found.sort((a, b) => b.right25 - a.right25)) {
    const group = groups.find(({ first }) => apart(first, one) < module * 1.2);
    if (!group) groups.push({ first: one, all: [one] });
    else if (one.right25 === group.first.right25) group.all.push(one);
  }
  const mean = (all, name) => all.reduce((sum, one) => sum + one[name], 0) / all.length;
  return groups
    .map(({ first, all }) => ({ x: mean(all, "x"), y: mean(all, "y"), cost: (25 - first.right25) * 2 + first.far }))
    .sort((a, b) => a.cost - b.cost)
    .slice(0, 4);
}
