// Drawing of layers on a canvas: pictures, outlines in colours, lines between tiles.

import { touches } from "./view.js";

// Distinct on grey pictures, in light and dark.
export const COLOURS = [
  "#00a6c0", "#ff8a00", "#b86bff", "#2fb344", "#ff4d6d", "#c9a800",
  "#4d8dff", "#ff6bd6", "#00b894", "#a0764b", "#8aa000", "#7d8590",
];
const RAMP = ["#2c7bb6", "#00a6ca", "#00ccbc", "#90eb9d", "#e6e03a", "#f29e2e", "#e76818", "#d7191c"];
const MISSING = "#8b929b";
// Tiles smaller than this on the screen are drawn by their corners alone, and tiny ones as spots.
const SMALL_PX = 40;
const TINY_PX = 7;
const TILES_PER_PATH = 64;
// For more tiles, clipping takes longer than drawing.
const MOST_CLIPPED = 2000;

export function colourOf(code) {
  return code === undefined || code === null ? MISSING : COLOURS[code % COLOURS.length];
}

export function rampColour(share) {
  return RAMP[Math.max(0, Math.min(RAMP.length - 1, Math.floor(share * RAMP.length)))];
}

export { MISSING, RAMP };

// A function that plans a call of paint for the next frame, however often it is called before.
export function oncePerFrame(paint) {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      paint();
    });
  };
}

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

// Pictures show black where no tile is: only what outlines enclose is drawn, once the outlines are known.
function clipToTiles(context, layer, view) {
  const pieces = layer.visiblePieces(view);
  if (!pieces.length || pieces.some((piece) => !piece.data)) return;
  const path = new Path2D();
  const box = view.box;
  let count = 0;
  const [left, top] = layer.bounds;
  const [startX, startY] = view.toScreen(left, top);
  for (const { data } of pieces) {
    const { outlines, points, ids } = data;
    for (let tile = 0; tile < ids.length; tile += 1) {
      const place = (point) => (tile * points + point) * 2;
      const [a, b, c] = [place(0), place(2), place(4)];
      if (!touches(extentOf(outlines, a, c, left, top), box)) continue;
      count += 1;
      if (count > MOST_CLIPPED) return;
      const turn =
        (outlines[b] - outlines[a]) * (outlines[c + 1] - outlines[a + 1]) -
        (outlines[b + 1] - outlines[a + 1]) * (outlines[c] - outlines[a]);
      // All in one direction, so that a mirrored tile does not cut a hole where it overlaps others.
      for (let step = 0; step < points; step += 1) {
        const at = place(turn < 0 ? points - 1 - step : step);
        const [x, y] = [startX + outlines[at] * view.scale, startY + outlines[at + 1] * view.scale];
        if (step) path.lineTo(x, y);
        else path.moveTo(x, y);
      }
      path.closePath();
    }
  }
  context.clip(path);
}

// The box around two opposite corners, wide enough for a turned tile.
function extentOf(outlines, a, c, left, top) {
  const [x0, x1] = [outlines[a] + left, outlines[c] + left];
  const [y0, y1] = [outlines[a + 1] + top, outlines[c + 1] + top];
  const margin = Math.abs(x1 - x0) + Math.abs(y1 - y0);
  return [Math.min(x0, x1) - margin, Math.min(y0, y1) - margin, Math.max(x0, x1) + margin, Math.max(y0, y1) + margin];
}

export function drawPictures(context, layer, view) {
  const pictures = layer.picturesIn(view);
  if (!pictures.length) return;
  context.imageSmoothingEnabled = view.scale < 2;
  context.save();
  clipToTiles(context, layer, view);
  for (const { cell, image } of pictures) {
    const [x, y] = view.toScreen(cell.x, cell.y);
    const side = cell.side * view.scale;
    context.drawImage(image, x, y, side, side);
  }
  context.restore();
}

// Outlines; colour(piece data, place) returns the colour of a tile. Tiny tiles are filled instead. With a size below 1
// tiles shrink towards their middles, so that those that overlap separate.
export function drawOutlines(context, layer, view, colour, { width = 1.5, size = 1 } = {}) {
  const [left, top] = layer.bounds;
  const [startX, startY] = view.toScreen(left, top);
  const scale = view.scale;
  context.lineWidth = width;
  for (const { data, extent } of layer.visiblePieces(view)) {
    if (!data) continue;
    const { outlines, points, ids } = data;
    const across = (Math.hypot(extent[2] - extent[0], extent[3] - extent[1]) * scale) / Math.sqrt(2 * ids.length);
    // One path for all tiles would be stroked as one shape, in time that grows with the square of its size.
    for (const [name, tiles] of byColour(ids.length, (tile) => colour(data, tile))) {
      if (across < TINY_PX) fillTiny(context, name, tiles, outlines, points, startX, startY, scale);
      else strokeTiles(context, name, tiles, outlines, points, startX, startY, scale, across < SMALL_PX ? 2 : 1, size);
    }
  }
}

function byColour(count, colour) {
  const tiles = new Map();
  for (let tile = 0; tile < count; tile += 1) {
    const name = colour(tile);
    if (!tiles.has(name)) tiles.set(name, []);
    tiles.get(name).push(tile);
  }
  return tiles;
}

function fillTiny(context, name, tiles, outlines, points, startX, startY, scale) {
  context.fillStyle = name;
  for (const tile of tiles) {
    // The first corner and the opposite one.
    const [from, to] = [tile * points * 2, (tile * points + points / 2) * 2];
    const [x, y] = [startX + outlines[from] * scale, startY + outlines[from + 1] * scale];
    const [w, h] = [(outlines[to] - outlines[from]) * scale, (outlines[to + 1] - outlines[from + 1]) * scale];
    context.fillRect(x + w * 0.15, y + h * 0.15, w * 0.7, h * 0.7);
  }
}

function strokeTiles(context, name, tiles, outlines, points, startX, startY, scale, step, size) {
  context.strokeStyle = name;
  for (let start = 0; start < tiles.length; start += TILES_PER_PATH) {
    context.beginPath();
    for (const tile of tiles.slice(start, start + TILES_PER_PATH)) {
      const first = tile * points * 2;
      // Between the first corner and the opposite one.
      const [x, y] = [0, 1].map((axis) => (outlines[first + axis] + outlines[first + points + axis]) / 2);
      const [left, top, by] = [startX + x * scale, startY + y * scale, size * scale];
      for (let point = 0; point < points; point += step) {
        const at = first + 2 * point;
        const corner = [left + (outlines[at] - x) * by, top + (outlines[at + 1] - y) * by];
        if (point) context.lineTo(...corner);
        else context.moveTo(...corner);
      }
      context.closePath();
    }
    context.stroke();
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

const SVG = "http://www.w3.org/2000/svg";

// Rows of a name and a colour, at most so many.
export function showLegend(list, rows, most) {
  const items = rows.slice(0, most).map(([name, colour]) => {
    const item = document.createElement("li");
    const icon = document.createElementNS(SVG, "svg");
    const dot = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ width: "100%", height: "100%", fill: colour })) dot.setAttribute(key, value);
    icon.append(dot);
    item.append(icon, name);
    return item;
  });
  if (rows.length > most) {
    const item = document.createElement("li");
    item.append(`and ${rows.length - most} more`);
    items.push(item);
  }
  list.replaceChildren(...items);
}
