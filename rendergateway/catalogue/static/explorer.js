// The tiles of several sections and the matches between them in 3-D: a parallel projection on a canvas.

import { read } from "./layer.js";
import { address, anchor, list, named, viewerLinks } from "./links.js";
import { clear, oncePerFrame, RAMP, rampColour, showLegend } from "./paint.js";
import { control } from "./view.js";

const TILE = "#8b929b";
const FADED = "#8b929b33";
const SELECTED = "#ffd23f";
const AT_FIRST = { turn: -0.5, tilt: 1.05, size: 1, left: 0, top: 0 };
const STROKES_PER_PATH = 64;
// While the view moves, about so many tiles and lines are drawn.
const MOST_MOVING = 8000;
const SETTLED_MS = 150;
// The picture of a tile has at most so many pixels a side: full scale.
const FULL_PX = 16384;
// Levels of detail in CATMAID, and the map of clusters: outlines apart, and the bounds of the stack.
const LEVELS = [2, 5];
const CLUSTERS = { size: 30, fit: "stack" };

// How the stack is turned. control() drives it as it drives the view of a map.
class Camera {
  constructor(onChange) {
    Object.assign(this, AT_FIRST, { width: 1, height: 1, isMove: false, onChange });
  }

  get x() {
    return this.width / 2;
  }

  get y() {
    return this.height / 2;
  }

  toWorld(x, y) {
    return [x, y];
  }

  reset() {
    Object.assign(this, AT_FIRST);
    this.onChange();
  }

  resize(width, height) {
    Object.assign(this, { width, height });
    this.onChange();
  }

  pan(dx, dy) {
    if (this.isMove) {
      this.left += dx;
      this.top += dy;
    } else {
      this.turn -= dx * 0.008;
      this.tilt = Math.max(0, Math.min(Math.PI / 2, this.tilt - dy * 0.008));
    }
    this.onChange();
  }

  zoom(factor, x = this.x, y = this.y) {
    const size = Math.max(0.2, Math.min(500, this.size * factor));
    const grown = size / this.size;
    this.left = x - this.x - (x - this.x - this.left) * grown;
    this.top = y - this.y - (y - this.y - this.top) * grown;
    this.size = size;
    this.onChange();
  }

  // The origin of the screen, and the screen vectors of x and y within a section, and of the distance of sections.
  frame() {
    const unit = 0.55 * Math.min(this.width, this.height * 1.2) * this.size;
    const [cos, sin, flat] = [Math.cos(this.turn) * unit, Math.sin(this.turn) * unit, Math.cos(this.tilt)];
    return {
      origin: [this.x + this.left, this.y + this.top],
      across: [cos, sin * flat],
      down: [-sin, cos * flat],
      depth: Math.sin(this.tilt) * unit,
    };
  }
}

class Explorer {
  constructor(element) {
    this.element = element;
    this.find = (name) => element.querySelector(name);
    this.canvas = this.find("canvas");
    this.camera = new Camera(() => this.moved());
    this.selected = -1;
    this.hovered = -1;
    this.draw = oncePerFrame(() => this.isReady && this.paint());
  }

  async start() {
    this.find(".map-bar").hidden = false;
    control(this.canvas, this.camera, ([x, y]) => this.select(this.tileAt(x, y)));
    try {
      this.prepare(await read(this.element.dataset.url));
    } catch (error) {
      this.report(`The tiles cannot be read: ${error.message}`);
      return;
    }
    this.addControls();
    this.isReady = true;
    this.draw();
  }

  // Places relative to the middle of all tiles; the longer side of the stack is 1.
  prepare({ layers, groups, tiles, pairs }) {
    Object.assign(this, { layers, groups, tiles, pairs });
    const low = [3, 4].map((side) => tiles.reduce((most, tile) => Math.min(most, tile[side]), Infinity));
    const high = [5, 6].map((side) => tiles.reduce((most, tile) => Math.max(most, tile[side]), -Infinity));
    const side = Math.max(high[0] - low[0], high[1] - low[1], 1);
    this.boxes = tiles.map((tile) =>
      [0, 1, 2, 3].map((place) => (tile[3 + place] - (low[place % 2] + high[place % 2]) / 2) / side),
    );
    // The last corner of the sections, where their names are.
    this.corner = [0, 1].map((axis) => Math.max((high[axis] - low[axis]) / 2 / side, 0));
    this.farFirst = tiles.map((_, number) => number).reverse();
    this.pairsOf = tiles.map(() => []);
    pairs.forEach(([p, q], number) => {
      this.pairsOf[p].push(number);
      if (q !== p) this.pairsOf[q].push(number);
    });
    const counts = pairs.map(([, , count]) => count);
    this.least = counts.reduce((a, b) => Math.min(a, b), Infinity);
    this.most = counts.reduce((a, b) => Math.max(a, b), -Infinity);
    // Strong pairs are drawn over weak ones.
    this.byColour = new Map(RAMP.map((colour) => [colour, []]));
    counts.forEach((count, number) => this.byColour.get(this.colourOf(count)).push(number));
    if (!pairs.length) return;
    const step = (this.most - this.least) / RAMP.length;
    const rows = RAMP.map((colour, place) => [`${Math.ceil(this.least + place * step)}`, colour]);
    rows[rows.length - 1][0] += step ? ` to ${this.most}` : "";
    showLegend(this.find(".map-legend"), step ? rows : rows.slice(-1), RAMP.length);
    this.find(".map-scale").hidden = false;
  }

  colourOf(count) {
    return rampColour(this.most > this.least ? (count - this.least) / (this.most - this.least) : 1);
  }

  addControls() {
    const moves = this.find("[data-moves]");
    const setMove = () => (this.camera.isMove = moves.checked);
    moves.addEventListener("change", setMove);
    for (const name of ["[data-spacing]", "[data-outlines]"]) this.find(name).addEventListener("input", () => this.draw());
    for (const button of this.element.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.camera.zoom(Number(button.dataset.zoom)));
    }
    this.find("[data-fit]").addEventListener("click", () => this.camera.reset());
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) return;
      this.hovered = this.tileAt(event.offsetX, event.offsetY);
      this.draw();
    });
    const next = (step) => this.select((this.selected + step + this.tiles.length) % this.tiles.length);
    this.canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const actions = {
        0: () => this.camera.reset(),
        n: () => next(1),
        b: () => next(this.selected < 0 ? 0 : -1),
        m: () => {
          moves.checked = !moves.checked;
          setMove();
        },
        Escape: () => this.select(-1),
      };
      if (!actions[event.key]) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  // Places on the screen

  offsetOf(layer) {
    const gaps = Math.max(1, this.layers.length - 1);
    return ((layer - (this.layers.length - 1) / 2) / gaps) * Number(this.find("[data-spacing]").value) * 1.4;
  }

  placer() {
    const { origin, across, down, depth } = this.camera.frame();
    const offsets = this.layers.map((_, layer) => this.offsetOf(layer) * depth);
    return (x, y, layer) => [
      origin[0] + x * across[0] + y * down[0],
      origin[1] + x * across[1] + y * down[1] + offsets[layer],
    ];
  }

  // The tile under a point of the screen: in the nearest section, the last one drawn.
  tileAt(screenX, screenY) {
    if (!this.isReady) return -1;
    const { origin, across, down, depth } = this.camera.frame();
    const area = across[0] * down[1] - across[1] * down[0];
    if (Math.abs(area) < 1) return -1;
    const at = this.layers.map((_, layer) => {
      const [x, y] = [screenX - origin[0], screenY - origin[1] - this.offsetOf(layer) * depth];
      return [(x * down[1] - y * down[0]) / area, (y * across[0] - x * across[1]) / area];
    });
    let [found, nearest] = [-1, Infinity];
    this.tiles.forEach(([, layer], number) => {
      const [[x, y], box] = [at[layer], this.boxes[number]];
      if (layer <= nearest && x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]) [found, nearest] = [number, layer];
    });
    return found;
  }

  // Drawing

  moved() {
    this.isMoving = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.isMoving = false;
      this.draw();
    }, SETTLED_MS);
    this.draw();
  }

  paint() {
    const context = clear(this.canvas);
    const place = this.placer();
    const step = this.isMoving ? Math.max(1, Math.ceil((this.tiles.length + this.pairs.length) / MOST_MOVING)) : 1;
    const some = (numbers) => (step > 1 ? numbers.filter((_, at) => at % step === 0) : numbers);
    const isChosen = this.selected >= 0;
    const hasOutlines = this.find("[data-outlines]").checked;
    if (hasOutlines) this.drawTiles(context, place, some(this.farFirst), isChosen ? FADED : TILE, 1);
    if (isChosen) {
      const own = this.pairsOf[this.selected];
      this.drawTiles(context, place, own.map((pair) => this.otherOf(pair)), TILE, 1.5);
      for (const pair of own) this.drawLines(context, place, [pair], this.colourOf(this.pairs[pair][2]), 2.5);
      this.drawTiles(context, place, [this.selected], SELECTED, 3);
    } else {
      for (const [colour, numbers] of this.byColour) this.drawLines(context, place, some(numbers), colour, 1.5);
    }
    if (this.hovered >= 0) this.drawTiles(context, place, [this.hovered], SELECTED, 2);
    this.nameLayers(context, place);
    this.report(this.hovered >= 0 ? this.wordsOf(this.hovered) : this.summary);
    this.element.dataset.ready = "true";
  }

  drawTiles(context, place, numbers, colour, width) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    this.inPaths(context, numbers, (number) => {
      const [box, layer] = [this.boxes[number], this.tiles[number][1]];
      context.moveTo(...place(box[0], box[1], layer));
      context.lineTo(...place(box[2], box[1], layer));
      context.lineTo(...place(box[2], box[3], layer));
      context.lineTo(...place(box[0], box[3], layer));
      context.closePath();
    });
  }

  drawLines(context, place, numbers, colour, width) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    this.inPaths(context, numbers, (number) => {
      context.moveTo(...this.middleOf(place, this.pairs[number][0]));
      context.lineTo(...this.middleOf(place, this.pairs[number][1]));
    });
  }

  middleOf(place, number) {
    const box = this.boxes[number];
    return place((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, this.tiles[number][1]);
  }

  inPaths(context, numbers, add) {
    for (let start = 0; start < numbers.length; start += STROKES_PER_PATH) {
      context.beginPath();
      for (const number of numbers.slice(start, start + STROKES_PER_PATH)) add(number);
      context.stroke();
    }
  }

  nameLayers(context, place) {
    Object.assign(context, { fillStyle: getComputedStyle(this.canvas).color, font: "14px system-ui, sans-serif" });
    const every = Math.ceil(this.layers.length / 20);
    this.layers.forEach((z, layer) => {
      const [x, y] = place(...this.corner, layer);
      if (layer % every === 0) context.fillText(`z ${z}`, x + 6, y + 5);
    });
  }

  // Words

  get summary() {
    return `${this.tiles.length.toLocaleString("en")} tiles, ${this.pairs.length.toLocaleString("en")} pairs`;
  }

  wordsOf(number) {
    const [id, layer] = this.tiles[number];
    return `Tile ${id}, z ${this.layers[layer]}, ${this.pairsOf[number].length} pairs`;
  }

  report(words) {
    const place = this.find(".map-status");
    if (place.textContent !== words) place.textContent = words;
  }

  // Selection

  otherOf(pair) {
    const [p, q] = this.pairs[pair];
    return p === this.selected ? q : p;
  }

  select(number) {
    this.selected = number;
    const panel = this.find(".explorer-tile");
    panel.hidden = number < 0;
    panel.replaceChildren();
    if (number >= 0) this.describe(panel, number);
    this.draw();
  }

  describe(panel, number) {
    const { tileUrl, pictureUrl, rawUrl, neighboursUrl, sectionUrl, collection, places } = this.element.dataset;
    const [id, layer, , ...box] = this.tiles[number];
    const z = this.layers[layer];
    const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, z];
    const title = document.createElement("h2");
    title.append(named(id), ` z ${z}`);
    const links = list([
      anchor(address(tileUrl, { id, z }), "Tile"),
      anchor(address(pictureUrl, { id, px: FULL_PX }), "Picture"),
      anchor(address(rawUrl, { tile_id: id }), "Tile spec"),
      anchor(address(neighboursUrl, { id }), "Neighbours"),
      anchor(`${address(sectionUrl, { z })}#${new URLSearchParams({ colour: "cluster", collection, ...CLUSTERS })}`, "Clusters of the section"),
      ...viewerLinks(JSON.parse(places), middle, LEVELS),
    ]);
    links.className = "links";
    panel.append(title, links);
    const pairs = this.pairsOf[number].map((pair) => ({ pair, away: this.tiles[this.otherOf(pair)][1] - layer }));
    for (const [words, isIn] of [
      ["Earlier sections", (away) => away < 0],
      ["Same section", (away) => away === 0],
      ["Later sections", (away) => away > 0],
    ]) {
      const some = pairs.filter(({ away }) => isIn(away));
      if (!some.length) continue;
      const heading = document.createElement("h3");
      heading.append(words);
      panel.append(heading, list(some.map(({ pair }) => this.pairLink(pair))));
    }
    if (!pairs.length) panel.append("No matches.");
  }

  pairLink(pair) {
    const [p, q, count] = this.pairs[pair];
    const [one, two] = [this.tiles[p], this.tiles[q]];
    const other = this.tiles[this.otherOf(pair)];
    const values = { pg: this.groups[one[2]], p: one[0], qg: this.groups[two[2]], q: two[0] };
    const link = anchor(address(this.element.dataset.pairUrl, values), "");
    link.append(p === this.selected ? "→ " : "← ", named(other[0]), ` z ${this.layers[other[1]]}, ${count} matches`);
    return link;
  }
}

for (const element of document.querySelectorAll("[data-explorer]")) {
  const explorer = new Explorer(element);
  // For tests and for readers with a console.
  element.explorer = explorer;
  explorer.start();
}
