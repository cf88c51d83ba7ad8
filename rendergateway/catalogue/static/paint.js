// Drawing of layers on a canvas: pictures, outlines in colours, lines between tiles.

// Distinct on grey pictures, in light and dark.
export const COLOURS = [
  "#00a6c0", "#ff8a00", "#b86bff", "#2fb344", "#ff4d6d", "#c9a800",
  "#4d8dff", "#ff6bd6", "#00b894", "#a0764b", "#8aa000", "#7d8590",
];
const RAMP = ["#2c7bb6", "#00a6ca", "#00ccbc", "#90eb9d", "#e6e03a", "#f29e2e", "#e76818", "#d7191c"];
const MISSING = "#8b929b";
// Tiles smaller than this on the screen are drawn by their corners alone.
const SMALL_PX = 40;

export function colourOf(code) {
  return code === undefined || code === null ? MISSING : COLOURS[code % COLOURS.length];
}

export function rampColour(share) {
  return RAMP[Math.max(0, Math.min(RAMP.length - 1, Math.floor(share * RAMP.length)))];
}

export { MISSING, RAMP };

export function clear(canvas) {
  const context = canvas.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = "source-over";
  context.globalAlpha = 1;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

export function drawPictures(context, layer, view) {
  context.imageSmoothingEnabled = view.scale < 2;
  for (const { cell, image } of layer.picturesIn(view)) {
    const [x, y] = view.toScreen(cell.x, cell.y);
    const side = cell.side * view.scale;
    context.drawImage(image, x, y, side, side);
  }
}

// Outlines, one path per colour; colour(piece data, place) returns the colour of a tile.
export function drawOutlines(context, layer, view, colour, width = 1.25) {
  const [left, top] = layer.bounds;
  const [startX, startY] = view.toScreen(left, top);
  const scale = view.scale;
  const paths = new Map();
  for (const piece of layer.visiblePieces(view)) {
    if (!piece.data) continue;
    const { outlines, points, ids } = piece.data;
    const [minX, , maxX] = piece.extent;
    const across = ((maxX - minX) * scale) / Math.max(1, Math.sqrt(ids.length));
    const step = across < SMALL_PX ? 2 : 1;
    for (let tile = 0; tile < ids.length; tile += 1) {
      const name = colour(piece.data, tile);
      let path = paths.get(name);
      if (!path) paths.set(name, (path = new Path2D()));
      const first = tile * points * 2;
      path.moveTo(startX + outlines[first] * scale, startY + outlines[first + 1] * scale);
      for (let point = step; point < points; point += step) {
        path.lineTo(startX + outlines[first + 2 * point] * scale, startY + outlines[first + 2 * point + 1] * scale);
      }
      path.closePath();
    }
  }
  context.lineWidth = width;
  for (const [name, path] of paths) {
    context.strokeStyle = name;
    context.stroke(path);
  }
}

export function fillTile(context, layer, view, found, colour) {
  const { outlines, points } = found.piece.data;
  const [left, top] = layer.bounds;
  context.beginPath();
  for (let point = 0; point < points; point += 1) {
    const at = (found.place * points + point) * 2;
    context.lineTo(...view.toScreen(left + outlines[at], top + outlines[at + 1]));
  }
  context.closePath();
  context.globalAlpha = 0.25;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 3;
  context.strokeStyle = colour;
  context.stroke();
}

export function drawLines(context, view, lines) {
  context.lineWidth = 3;
  for (const { line, matches } of lines) {
    context.strokeStyle = matches ? "#ffd23f" : "#ff1f4b";
    context.beginPath();
    context.moveTo(...view.toScreen(line[0], line[1]));
    context.lineTo(...view.toScreen(line[2], line[3]));
    context.stroke();
  }
}
