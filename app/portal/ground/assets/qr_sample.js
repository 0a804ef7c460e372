// From the picture to the modules: four known points give the perspective, and each module is looked at in its middle.

const AROUND = [[0.5, 0.5], [0.28, 0.5], [0.72, 0.5], [0.5, 0.28], [0.5, 0.72]];

// Solves the eight equations of the projection that takes the points `from` to `to` (Gauss, with pivoting).
export function projection(from, to) {
  const rows = [];
  from.forEach(([x, y], index) => {
    const [u, v] = to[index];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  for (let column = 0; column < 8; column += 1) {
    let best = column;
    for (let row = column + 1; row < 8; row += 1) if (Math.abs(rows[row][column]) > Math.abs(rows[best][column])) best = row;
    [rows[column], rows[best]] = [rows[best], rows[column]];
    if (Math.abs(rows[column][column]) < 1e-12) return null;
    for (let row = 0; row < 8; row += 1) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      for (let at = column; at < 9; at += 1) rows[row][at] -= factor * rows[column][at];
    }
  }
  const [a, b, c, d, e, f, g, h] = rows.map((row, index) => row[8] / row[index]);
  return (x, y) => {
    const scale = g * x + h * y + 1;
    return [(a * x + b * y + c) / scale, (d * x + e * y + f) / scale];
  };
}

// Returns size × size modules, 1 for dark; null where the code is not wholly in the picture.
export function sample(picture, place, size) {
  const { dark, width, height } = picture;
  const modules = new Uint8Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      let darkOnes = 0;
      for (const [dx, dy] of AROUND) {
        const [x, y] = place(column + dx, row + dy);
        const px = Math.floor(x), py = Math.floor(y);
        if (!(px >= 0 && py >= 0 && px < width && py < height)) return null;
        darkOnes += dark[py * width + px];
      }
      modules[row * size + column] = darkOnes > 2 ? 1 : 0;
    }
  }
  return modules;
}
