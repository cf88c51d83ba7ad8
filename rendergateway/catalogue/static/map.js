// The map of a section: one layer on one canvas, with its controls.

import { Layer, read } from "./layer.js";
import { address, anchor, list, named, viewerLinks } from "./links.js";
import { clear, colourOf, drawLines, drawOutlines, drawPictures, fillTile, MISSING, oncePerFrame, RAMP, rampColour, showLegend } from "./paint.js";
import { control, View } from "./view.js";

const MOST_IN_LEGEND = 12;
// Colours that need matches, besides the properties of tiles.
const OF_MATCHES = {
  cluster: "Match cluster",
  residual: "Residual within the section",
  "residual-z": "Residual with adjacent sections",
  missing: "Missing connections",
};
// The values of their controls, which the address of a view contains.
const OPTIONS = ["collection", "frame", "threshold"];
// Clusters of fewer tiles are grey.
const SMALL_CLUSTER = 4;
const GREYS = ["#5f666f", "#a9b0b8"];
// Levels of detail in CATMAID.
const LEVELS = [1, 2, 3];
// A notch of a wheel, in pixels.
const NOTCH_PX = 80;

class SectionMap {
  constructor(element) {
    this.element = element;
    this.find = (name) => element.querySelector(name);
    this.canvas = this.find("canvas");
    this.view = new View();
    this.layer = new Layer(element, {
      cellPx: Number(element.dataset.cellPx),
      mostTiles: Number(element.dataset.mostTiles),
      onData: () => this.draw(),
    });
    this.selected = null;
    this.lines = [];
    this.colour = () => colourOf(0);
    this.draw = oncePerFrame(() => this.isReady && this.paint());
  }

  async start() {
    this.find(".map-bar").hidden = false;
    this.view.onChange(() => this.draw());
    control(this.canvas, this.view, (point) => this.select(point));
    try {
      await this.layer.load();
    } catch (error) {
      this.report(`The map cannot be read: ${error.message}`);
      return;
    }
    if (!this.layer.bounds) {
      this.report("No tile of this section has a place in the world.");
      return;
    }
    this.addControls();
    this.restore();
    this.isReady = true;
    this.draw();
  }

  get stackBounds() {
    return this.find("[data-fit-stack]")?.dataset.fitStack.split(",").map(Number);
  }

  // Controls

  addControls() {
    const select = this.find("[data-colour]");
    for (const [mode, { title }] of Object.entries(this.layer.about.modes)) select.append(new Option(title, mode));
    for (const [mode, title] of Object.entries(OF_MATCHES)) select.append(new Option(title, mode));
    const chosen = () => this.choose();
    for (const name of ["[data-colour]", "[data-collection]", "[data-frame]", "[data-threshold]"]) {
      this.find(name).addEventListener("change", chosen);
    }
    for (const name of ["[data-outlines]", "[data-pictures]"]) {
      this.find(name).addEventListener("change", () => this.draw());
    }
    for (const button of this.element.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.view.zoom(Number(button.dataset.zoom)));
    }
    this.find("[data-size]").addEventListener("input", () => this.draw());
    this.find("[data-channel]")?.addEventListener("change", (event) => {
      this.layer.setChannel(event.target.value);
      this.draw();
    });
    this.find("[data-fit]").addEventListener("click", () => this.view.fit(this.layer.bounds));
    this.find("[data-fit-stack]")?.addEventListener("click", () => this.view.fit(this.stackBounds));
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
    this.canvas.addEventListener("wheel", (event) => event.shiftKey && this.turned(event), { passive: false });
    document.querySelector("[data-wheel-z]")?.addEventListener("wheel", (event) => this.turned(event), { passive: false });
    for (const link of document.querySelectorAll("[data-keeps-view]")) {
      for (const name of ["pointerdown", "focus", "click"]) link.addEventListener(name, () => (link.hash = this.hash));
    }
  }

  // The wheel leads through the sections. With Shift, some systems report it as a horizontal one.
  turned(event) {
    event.preventDefault();
    this.wheel = (this.wheel || 0) + (event.deltaY || event.deltaX) * (event.deltaMode ? 40 : 1);
    if (Math.abs(this.wheel) < NOTCH_PX) return;
    const { previous, following } = this.element.dataset;
    this.open(this.wheel < 0 ? previous : following);
    this.wheel = 0;
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const toggle = (name) => {
      this.find(name).checked = !this.find(name).checked;
      this.draw();
    };
    const actions = {
      0: () => this.view.fit(this.layer.bounds),
      o: () => toggle("[data-outlines]"),
      p: () => toggle("[data-pictures]"),
      PageUp: () => this.open(this.element.dataset.previous),
      PageDown: () => this.open(this.element.dataset.following),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  open(url) {
    if (url) location.assign(new URL(this.hash, new URL(url, location.href)));
    else this.report("There is no further section.");
  }

  // The view of this page, for the same view of another section.
  get hash() {
    const { x, y, scale } = this.view;
    const values = new URLSearchParams({ x: x.toFixed(1), y: y.toFixed(1), scale: scale.toPrecision(6) });
    const mode = this.find("[data-colour]").value;
    if (mode) values.set("colour", mode);
    if (mode in OF_MATCHES) {
      for (const name of OPTIONS) values.set(name, this.find(`[data-${name}]`).value);
    }
    const size = this.find("[data-size]").value;
    if (size !== "100") values.set("size", size);
    values.set("focus", "map");
    return `#${values}`;
  }

  restore() {
    const values = new URLSearchParams(location.hash.slice(1));
    const [x, y, scale] = ["x", "y", "scale"].map((name) => Number(values.get(name)));
    if (values.has("x") && [x, y].every(Number.isFinite) && scale > 0) this.view.set(x, y, scale);
    else this.view.fit((values.get("fit") === "stack" && this.stackBounds) || this.layer.bounds);
    if (values.has("size")) this.find("[data-size]").value = values.get("size");
    if (values.get("focus") === "map") this.canvas.focus({ preventScroll: true });
    const select = this.find("[data-colour]");
    if ([...select.options].some((option) => option.value === values.get("colour"))) {
      select.value = values.get("colour");
      for (const name of OPTIONS.slice(1)) if (values.has(name)) this.find(`[data-${name}]`).value = values.get(name);
      this.choose(values.get("collection"));
    }
  }

  // Colours

  async choose(collection) {
    const mode = this.find("[data-colour]").value;
    const ofMatches = mode in OF_MATCHES;
    this.find("[data-for-matches]").hidden = !ofMatches;
    this.find("[data-for-frame]").hidden = !mode.startsWith("residual");
    this.find("[data-for-threshold]").hidden = mode !== "missing";
    this.lines = [];
    this.colour = () => colourOf(0);
    this.legend([]);
    const round = (this.round = (this.round || 0) + 1);
    try {
      if (ofMatches) {
        await this.listCollections(collection);
        if (round === this.round) await this.chooseMatches(mode, () => round === this.round);
      } else if (mode) {
        const { names } = this.layer.about.modes[mode];
        this.colour = (data, place) => colourOf(data.codes[mode][place]);
        this.legend(names.map((name, code) => [name, colourOf(code)]));
      }
    } catch (error) {
      this.report(`Matches cannot be read: ${error.message}`);
    }
    this.draw();
  }

  async listCollections(wanted) {
    const select = this.find("[data-collection]");
    if (!select.options.length) {
      const found = await read(this.element.dataset.collectionsUrl);
      for (const one of found) select.append(new Option(one.collectionId.name));
    }
    if (typeof wanted === "string" && [...select.options].some((option) => option.value === wanted)) select.value = wanted;
    if (!select.options.length) this.report("This owner has no match collections.");
  }

  async chooseMatches(mode, isCurrent) {
    const collection = this.find("[data-collection]").value;
    if (!collection) return;
    const query = new URLSearchParams({ collection, v: this.element.dataset.version });
    if (mode.startsWith("residual")) query.set("frame", this.find("[data-frame]").value);
    if (mode === "residual-z") query.set("adjacent", "1");
    if (mode === "missing") query.set("threshold", this.find("[data-threshold]").value);
    const names = { cluster: "clusters", residual: "residuals", "residual-z": "residuals", missing: "connections" };
    const found = await read(this.layer.at(`${names[mode]}.json?${query}`));
    if (!isCurrent()) return;
    if (mode === "cluster") this.showClusters(found);
    else if (mode.startsWith("residual")) this.showResiduals(found.residuals);
    else this.showMissing(found.lines);
  }

  showClusters({ sizes, clusters }) {
    const numbers = new Map(Object.entries(clusters));
    const colourOfCluster = (number) => {
      const isSmall = number !== undefined && sizes[number] < SMALL_CLUSTER;
      return isSmall ? GREYS[number % GREYS.length] : colourOf(number);
    };
    this.colour = (data, place) => colourOfCluster(numbers.get(data.ids[place]));
    this.legend([...sizes.map((size, number) => [`${size} tiles`, colourOfCluster(number)]), ["no matches", MISSING]]);
  }

  showResiduals(residuals) {
    const values = new Map(Object.entries(residuals));
    const sorted = [...values.values()].sort((a, b) => a - b);
    const largest = sorted.length ? sorted[Math.floor(0.98 * (sorted.length - 1))] || 1 : 1;
    this.colour = (data, place) => {
      const value = values.get(data.ids[place]);
      return value === undefined ? MISSING : rampColour(value / largest);
    };
    const step = largest / RAMP.length;
    const label = (number) => `${(number * step).toPrecision(2)} px${number === RAMP.length - 1 ? " and more" : ""}`;
    this.legend([...RAMP.map((colour, number) => [label(number), colour]), ["no matches", MISSING]]);
  }

  showMissing(lines) {
    this.lines = lines;
    this.colour = () => MISSING;
    this.legend([
      [`${lines.filter((one) => !one.matches).length} without matches`, "#ff1f4b"],
      [`${lines.filter((one) => one.matches).length} with few matches`, "#ffd23f"],
    ]);
  }

  legend(rows) {
    showLegend(this.find(".map-legend"), rows, MOST_IN_LEGEND);
  }

  // Selection

  select([x, y]) {
    if (!this.isReady) return;
    this.selected = this.layer.tileAt(x, y);
    const place = this.find(".map-found");
    place.replaceChildren();
    if (this.selected) {
      const { id, piece } = this.selected;
      const words = document.createElement("p");
      words.append("Tile ", named(id), ` at x ${x.toFixed(0)}, y ${y.toFixed(0)} px`);
      for (const [mode, { title, names }] of Object.entries(this.layer.about.modes)) {
        words.append(`, ${title.toLowerCase()} ${names[piece.data.codes[mode][this.selected.place]]}`);
      }
      place.append(words, this.linksOf(this.selected));
    } else {
      place.append(`No tile at x ${x.toFixed(0)}, y ${y.toFixed(0)} px`);
    }
    this.draw();
  }

  linksOf({ id, piece, place }) {
    const { tileUrl, neighboursUrl, explorerUrl, pictureUrl, rawUrl, places, z } = this.element.dataset;
    const collection = this.find("[data-collection]").value;
    const chosen = collection ? { collection } : {};
    const { outlines, points } = piece.data;
    // The middle of the tile, from its first corner and the opposite one.
    const middle = [0, 1].map((axis) => {
      const corners = [0, points].map((at) => outlines[place * points * 2 + at + axis]);
      return this.layer.bounds[axis] + (corners[0] + corners[1]) / 2;
    });
    const links = list([
      anchor(address(tileUrl, { id, z, ...chosen }), "Tile"),
      anchor(address(neighboursUrl, { id, z, dz: 0, ...chosen }), "Immediate neighbours"),
      anchor(address(neighboursUrl, { id, z, factor: 0.6, ...chosen }), "Neighbourhood"),
      anchor(address(explorerUrl, chosen), "Matches in 3D"),
      anchor(address(pictureUrl, { id }), "Picture"),
      anchor(address(rawUrl, { tile_id: id }), "Tile spec"),
      ...viewerLinks(JSON.parse(places), [...middle, Number(z)], LEVELS),
    ]);
    links.className = "links";
    return links;
  }

  // Drawing

  paint() {
    const { layer, view } = this;
    const context = clear(this.canvas);
    const hasPictures = this.find("[data-pictures]").checked;
    const hasOutlines = this.find("[data-outlines]").checked;
    const level = layer.levelFor(view);
    const canShow = layer.canShow(level);
    if (hasPictures) {
      if (canShow) layer.requestPictures(view, level);
      drawPictures(context, layer, view);
    }
    layer.requestPieces(view);
    if (hasOutlines) drawOutlines(context, layer, view, this.colour, { size: Number(this.find("[data-size]").value) / 100 });
    if (this.selected) fillTile(context, layer, view, this.selected, "#ffd23f");
    drawLines(context, view, this.lines);
    this.reportView(hasPictures && !canShow);
  }

  reportView(isTooMuch) {
    const { layer, view } = this;
    const missing = layer.visiblePieces(view).filter((piece) => !piece.data).length;
    const words = [
      `${layer.about.tiles.toLocaleString("en")} tiles`,
      `1 screen pixel is ${Number((1 / view.scale).toPrecision(3))} px`,
    ];
    if (missing) words.push("reading outlines");
    if (isTooMuch) words.push("zoom in for the picture");
    if (layer.problem) words.push(layer.problem);
    this.report(words.join(", "));
    this.element.dataset.ready = missing || layer.pictureQueue.running ? "" : "true";
  }

  report(words) {
    const place = this.find(".map-status");
    if (place.textContent !== words) place.textContent = words;
  }
}

for (const element of document.querySelectorAll("[data-map]")) {
  const map = new SectionMap(element);
  // For tests and for readers with a console.
  element.sectionMap = map;
  map.start();
}
