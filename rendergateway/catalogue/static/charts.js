// Charts: the point nearest to the pointer or chosen by keys, with its links; a drag selects a range of z, and the names
// of the legend show and hide their points.

import { address, anchor, list, named } from "./links.js";

const SVG = "http://www.w3.org/2000/svg";
const DRAG_PX = 6;
// The rule of charts.py.
const TICKS = 5;
const STEPS = [1, 2, 2.5, 5, 10];

export function ticks(low, high, whole) {
  const rough = Math.max((high - low) / TICKS, whole ? 1 : 0);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.map((one) => one * power).find((one) => one >= rough && (!whole || Number.isInteger(one)));
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, number) => (first + number) * step);
}

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.svg = figure.querySelector("svg");
    this.tip = figure.querySelector(".tip");
    [this.x0, this.x1, this.y0, this.y1] = figure.dataset.domain.split(",").map(Number);
    [this.left, this.right, this.top, this.bottom] = figure.dataset.area.split(",").map(Number);
    this.series = [...figure.querySelectorAll("path[data-series]")].map((path) => ({ path, name: path.dataset.series }));
    this.range = [this.x0, this.x1];
    this.addLegend();
    this.svg.addEventListener("pointerdown", (event) => this.pressed(event));
    this.svg.addEventListener("pointermove", (event) => this.moved(event));
    this.svg.addEventListener("pointerup", (event) => this.released(event));
    this.svg.addEventListener("pointercancel", () => this.endDrag());
    this.svg.addEventListener("keydown", (event) => this.typed(event));
    this.svg.setAttribute("tabindex", "0");
    this.svg.setAttribute("role", "application");
    const words = this.svg.getAttribute("aria-label");
    this.svg.setAttribute("aria-label", `${words}. Arrow keys choose a point, Enter shows its links, Escape ends.`);
  }

  // Points of a series, read when they are first needed.
  pointsOf(series) {
    if (!series.points) {
      const numbers = series.path.dataset.points.split(" ").map(Number);
      series.points = numbers.filter((_, place) => place % 2 === 0).map((z, place) => ({ z, value: numbers[2 * place + 1], series }));
    }
    return series.points;
  }

  // Points that the chart shows now.
  get shown() {
    const [low, high] = this.range;
    const seen = this.series.filter((series) => !series.path.hasAttribute("hidden"));
    return seen.flatMap((series) => this.pointsOf(series)).filter(({ z }) => z >= low && z <= high);
  }

  addLegend() {
    for (const [place, item] of [...this.figure.querySelectorAll(".legend li")].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(...item.childNodes);
      item.append(button);
      button.addEventListener("click", () => {
        const { path } = this.series[place];
        const isHidden = path.toggleAttribute("hidden");
        button.setAttribute("aria-pressed", String(!isHidden));
        this.unpin();
      });
    }
  }

  // Places: in the drawing, and as z

  placeOf(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [Math.max(this.left, Math.min(this.right, at.x)), at.y];
  }

  zAt(x) {
    const [low, high] = this.range;
    return low + ((x - this.left) / (this.right - this.left)) * (high - low);
  }

  xOf(z) {
    return this.left + ((z - this.range[0]) / (this.range[1] - this.range[0])) * (this.right - this.left);
  }

  yOf(value) {
    return this.bottom - ((value - this.y0) / (this.y1 - this.y0)) * (this.bottom - this.top);
  }

  // The pointer

  pressed(event) {
    this.start = this.placeOf(event)[0];
    this.svg.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const [x, y] = this.placeOf(event);
    if (this.start !== undefined && Math.abs(x - this.start) > DRAG_PX) this.mark(x);
    if (!this.pinned) this.point(this.nearestTo(x, y));
  }

  released(event) {
    const [x, y] = this.placeOf(event);
    const { start } = this;
    this.endDrag();
    if (start !== undefined && Math.abs(x - start) > DRAG_PX) {
      this.show(...[this.zAt(start), this.zAt(x)].sort((a, b) => a - b));
      return;
    }
    this.point(this.nearestTo(x, y));
    this.pin();
  }

  mark(x) {
    this.band ??= this.svg.appendChild(document.createElementNS(SVG, "rect"));
    const sides = { class: "band", x: Math.min(x, this.start), width: Math.abs(x - this.start), y: this.top, height: this.bottom - this.top };
    for (const [name, value] of Object.entries(sides)) this.band.setAttribute(name, value);
  }

  endDrag() {
    this.start = undefined;
    this.band?.remove();
    this.band = undefined;
  }

  nearestTo(x, y) {
    let [found, least] = [undefined, Infinity];
    for (const point of this.shown) {
      const distance = Math.hypot(this.xOf(point.z) - x, (this.yOf(point.value) - y) * 0.5);
      if (distance < least) [found, least] = [point, distance];
    }
    return found;
  }

  // Keys

  typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ArrowLeft: () => this.step(-1),
      ArrowRight: () => this.step(1),
      ArrowUp: () => this.turn(-1),
      ArrowDown: () => this.turn(1),
      Home: () => this.step(-Infinity),
      End: () => this.step(Infinity),
      Enter: () => this.pin(),
      Escape: () => this.unpin(),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  // The point at the next z, of the same series if that has one there.
  step(by) {
    const points = this.shown;
    const layers = [...new Set(points.map(({ z }) => z))].sort((a, b) => a - b);
    const place = layers.indexOf(this.nearest?.z);
    // The first key chooses an end.
    const wanted = place < 0 ? Math.max(0, by - 1) : place + by;
    const z = layers[Math.max(0, Math.min(layers.length - 1, wanted))];
    const there = points.filter((point) => point.z === z);
    this.choose(there.find(({ series }) => series === this.nearest?.series) ?? there[0]);
  }

  // Another point at the same z.
  turn(by) {
    if (!this.nearest) {
      this.step(1);
      return;
    }
    const there = this.shown.filter(({ z }) => z === this.nearest.z).sort((a, b) => b.value - a.value);
    this.choose(there[Math.max(0, Math.min(there.length - 1, there.indexOf(this.nearest) + by))]);
  }

  choose(point) {
    this.pinned = false;
    this.point(point);
  }

  // The chosen point

  point(point) {
    if (point === this.nearest && !this.pinned && this.tip.hasChildNodes()) return;
    this.nearest = point;
    this.pinned = false;
    this.tip.replaceChildren();
    this.ring?.remove();
    this.ring = undefined;
    if (!point) return;
    this.ring = this.svg.appendChild(document.createElementNS(SVG, "circle"));
    for (const [name, value] of Object.entries({ class: "ring", r: 6, cx: this.xOf(point.z), cy: this.yOf(point.value) })) {
      this.ring.setAttribute(name, value);
    }
    this.tip.append(...this.wordsOf(point));
  }

  wordsOf({ z, value, series }) {
    const words = [`${series.name}: z ${z}`];
    if (series.name === "Missing") return [`${words}, no tiles`];
    const unit = this.figure.dataset.unit;
    words.push(`, ${value.toLocaleString("en", { maximumFractionDigits: 3 })}${unit === "section id" ? "" : ` ${unit}`}`);
    const unusual = this.figure.closest("[data-section-ids]")?.dataset.sectionIds;
    if (unusual === undefined) return words;
    this.unusualIds ??= JSON.parse(unusual);
    const ids = this.unusualIds[z] ?? [Number.isInteger(z) ? `${z}.0` : `${z}`];
    const shown = ids.flatMap((id) => [" ", named(id)]);
    return ids.length ? [...words, ids.length > 1 ? ", section ids" : ", section id", ...shown] : words;
  }

  pin() {
    if (!this.nearest || this.pinned) return;
    this.pinned = true;
    const { z, series } = this.nearest;
    if (series.name === "Missing") return;
    const { zUrl, pictureUrl, raw } = this.figure.dataset;
    const links = list([
      anchor(address(zUrl, { z }), `Section ${z}`),
      anchor(pictureUrl.replace("/z/Z/picture", `/z/${z}/picture`), "Picture"),
      ...Object.entries(JSON.parse(raw)).map(([title, url]) => anchor(address(url, { z }), title)),
    ]);
    links.className = "links";
    this.tip.append(links);
  }

  unpin() {
    this.point(undefined);
  }

  // The range of z

  show(low, high) {
    this.range = [low, high];
    this.unpin();
    for (const series of this.series) {
      const inside = this.pointsOf(series).filter(({ z }) => z >= low && z <= high);
      const path = inside.map(({ z, value }) => `M${this.xOf(z).toFixed(2)} ${this.yOf(value).toFixed(2)}h0`).join("");
      series.path.setAttribute("d", path);
    }
    const old = [...this.svg.querySelectorAll(".tick-x")];
    for (const z of ticks(low, high, "wholeZ" in this.figure.dataset)) {
      const tick = document.createElementNS(SVG, "text");
      for (const [name, value] of Object.entries({ class: "tick tick-x", x: this.xOf(z), y: this.bottom + 18, "text-anchor": "middle" })) {
        tick.setAttribute(name, value);
      }
      tick.append(Number(z.toPrecision(6)).toLocaleString("en"));
      this.svg.append(tick);
    }
    for (const tick of old) tick.remove();
    this.addRangeButtons(low > this.x0 || high < this.x1);
  }

  addRangeButtons(isPart) {
    this.buttons?.remove();
    this.buttons = undefined;
    if (!isPart) return;
    this.buttons = document.createElement("p");
    const [low, high] = this.range;
    const shift = (by) => {
      const most = Math.max(this.x0 - low, Math.min(this.x1 - high, by * (high - low)));
      this.show(low + most, high + most);
    };
    const actions = { "←": ["Earlier z", () => shift(-0.5)], "→": ["Later z", () => shift(0.5)] };
    actions["Whole range"] = ["Whole range", () => this.show(this.x0, this.x1)];
    for (const [words, [label, action]] of Object.entries(actions)) {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.append(words);
      button.addEventListener("click", action);
      this.buttons.append(button, " ");
    }
    this.tip.after(this.buttons);
  }
}

for (const figure of document.querySelectorAll("[data-chart]")) figure.chart = new Chart(figure);
