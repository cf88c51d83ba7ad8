// One section of one stack: outlines in pieces, and pictures in cells, both requested when a view shows them.

import { touches } from "./view.js";

const MOST_AT_ONCE = 4;
const MOST_PICTURES = 240;

async function answered(url) {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer;
}

export async function read(url) {
  return (await answered(url)).json();
}

// Requests in order of need: the last wanted ones first, a few at a time.
class Queue {
  constructor() {
    this.waiting = [];
    this.running = 0;
  }

  // Replace what waits by what is wanted now.
  want(jobs) {
    this.waiting = jobs;
    this.next();
  }

  next() {
    while (this.running < MOST_AT_ONCE && this.waiting.length) {
      this.running += 1;
      this.waiting.shift()().finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }
}

function decoded(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return { ...head, outlines: new Float32Array(buffer, 4 + length) };
}

export class Layer {
  constructor(element, { cellPx, mostTiles, onData }) {
    this.url = new URL(element.dataset.url, location.href);
    this.version = encodeURIComponent(element.dataset.version);
    this.cellPx = cellPx;
    this.mostTiles = mostTiles;
    this.onData = onData;
    this.pieces = [];
    this.pictures = new Map();
    this.pieceQueue = new Queue();
    this.pictureQueue = new Queue();
    this.problem = "";
    this.channel = "";
  }

  async load() {
    this.about = await read(this.at(`map.json?v=${this.version}`));
    this.pieces = this.about.pieces.map((extent, number) => ({ number, extent, data: null, isAsked: false }));
    return this.about;
  }

  // An address below that of the section.
  at(path) {
    return new URL(path, this.url).href;
  }

  get bounds() {
    return this.about?.bounds;
  }

  // Outlines

  visiblePieces(view) {
    return this.pieces.filter((piece) => piece.extent && touches(piece.extent, view.box));
  }

  requestPieces(view) {
    this.pieceQueue.want(
      this.visiblePieces(view)
        .filter((piece) => !piece.data && !piece.isAsked)
        .map((piece) => async () => {
          if (piece.isAsked) return;
          piece.isAsked = true;
          try {
            const answer = await answered(this.at(`pieces/${piece.number}?v=${this.version}`));
            piece.data = decoded(await answer.arrayBuffer());
          } catch (error) {
            this.problem = `Tiles cannot be read: ${error.message}`;
          }
          this.onData();
        }),
    );
  }

  // The tile at a world point: the last one drawn of those that contain it.
  tileAt(x, y) {
    let found = null;
    for (const piece of this.pieces) {
      if (!piece.data || !touches(piece.extent, [x, y, x, y])) continue;
      const { outlines, points, ids } = piece.data;
      const [left, top] = this.bounds;
      for (let tile = 0; tile < ids.length; tile += 1) {
        if (contains(outlines, tile * points * 2, points, x - left, y - top)) {
          if (!found || ids[tile] > found.id) found = { id: ids[tile], piece, place: tile };
        }
      }
    }
    return found;
  }

  // Pictures

  setChannel(name) {
    this.channel = name ? `&channel=${encodeURIComponent(name)}` : "";
    this.pictures = new Map();
    this.problem = "";
  }

  // The level whose pixels are at most as large as those of the screen.
  levelFor(view) {
    const ratio = window.devicePixelRatio || 1;
    return Math.max(0, Math.floor(Math.log2(1 / (view.scale * ratio))));
  }

  // Whether cells of a level show few enough tiles to be drawn.
  canShow(level) {
    const [minX, minY, maxX, maxY] = this.bounds;
    const area = Math.max(1, (maxX - minX) * (maxY - minY));
    const side = this.cellPx * 2 ** level;
    return this.about.tiles * Math.min(1, (side * side) / area) <= this.mostTiles / 2;
  }

  cellsIn(view, level) {
    const side = this.cellPx * 2 ** level;
    const [minX, minY, maxX, maxY] = this.bounds;
    const [left, top, right, bottom] = view.box;
    const cells = [];
    const first = (low, edge) => Math.floor(Math.max(low, edge) / side);
    for (let row = first(minY, top); row * side < Math.min(maxY, bottom); row += 1) {
      for (let column = first(minX, left); column * side < Math.min(maxX, right); column += 1) {
        cells.push({ level, column, row, x: column * side, y: row * side, side });
      }
    }
    const distance = (cell) => Math.hypot(cell.x + side / 2 - view.x, cell.y + side / 2 - view.y);
    return cells.sort((a, b) => distance(a) - distance(b));
  }

  requestPictures(view, level) {
    const wanted = this.cellsIn(view, level).filter((cell) => !this.pictures.has(keyOf(cell)));
    this.pictureQueue.want(
      wanted.map((cell) => async () => {
        const key = keyOf(cell);
        if (this.pictures.has(key) || this.problem) return;
        const image = new Image();
        const { pictures } = this;
        pictures.set(key, { cell, image: null });
        image.src = this.at(`cells/${cell.level}/${cell.column}/${cell.row}.jpg?v=${this.version}${this.channel}`);
        try {
          await image.decode();
          pictures.set(key, { cell, image });
        } catch {
          this.problem = "The service cannot draw pictures of this section; open a picture to see why.";
        }
        this.forgetPictures();
        this.onData();
      }),
    );
  }

  forgetPictures() {
    for (const key of this.pictures.keys()) {
      if (this.pictures.size <= MOST_PICTURES) break;
      this.pictures.delete(key);
    }
  }

  // Coarser pictures first, so that finer ones cover them.
  picturesIn(view) {
    const box = view.box;
    return [...this.pictures.values()]
      .filter(({ cell, image }) => image && touches([cell.x, cell.y, cell.x + cell.side, cell.y + cell.side], box))
      .sort((a, b) => b.cell.level - a.cell.level);
  }
}

function keyOf(cell) {
  return `${cell.level}/${cell.column}/${cell.row}`;
}

function contains(outlines, start, points, x, y) {
  let inside = false;
  for (let i = 0, j = points - 1; i < points; j = i, i += 1) {
    const [xi, yi, xj, yj] = [
      outlines[start + 2 * i],
      outlines[start + 2 * i + 1],
      outlines[start + 2 * j],
      outlines[start + 2 * j + 1],
    ];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
