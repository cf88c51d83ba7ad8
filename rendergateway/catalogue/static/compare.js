// Two sections in one view: side by side, blinking, or one over the other in two colours.

import { Layer } from "./layer.js";
import { clear, drawOutlines, drawPictures, oncePerFrame } from "./paint.js";
import { control, View } from "./view.js";

const BLINK_MS = 700;
// Complementary, so that equal pixels are grey.
const TINTS = ["#ff3b30", "#00c4cf"];

class Comparison {
  constructor(element) {
    this.element = element;
    this.view = new View();
    const options = {
      cellPx: Number(element.dataset.cellPx),
      mostTiles: Number(element.dataset.mostTiles),
      onData: () => this.draw(),
    };
    this.sides = [...element.querySelectorAll("[data-side]")].map((side) => ({
      canvas: side.querySelector("canvas"),
      layer: new Layer(side, options),
    }));
    this.shown = 0;
    this.scratch = document.createElement("canvas");
    this.draw = oncePerFrame(() => this.isReady && this.paint());
  }

  async start() {
    const status = this.element.querySelector(".map-status");
    this.element.querySelector(".map-bar").hidden = false;
    for (const { canvas } of this.sides) control(canvas, this.view);
    this.view.onChange(() => this.draw());
    try {
      await Promise.all(this.sides.map(({ layer }) => layer.load()));
    } catch (error) {
      status.textContent = `The sections cannot be read: ${error.message}`;
      return;
    }
    const boxes = this.sides.map(({ layer }) => layer.bounds).filter(Boolean);
    if (boxes.length < this.sides.length) {
      status.textContent = "One of the sections has no tile with a place in the world.";
      return;
    }
    const low = (axis) => Math.min(...boxes.map((box) => box[axis]));
    const high = (axis) => Math.max(...boxes.map((box) => box[axis]));
    const fit = () => this.view.fit([low(0), low(1), high(2), high(3)]);
    this.isReady = true;
    fit();
    this.element.querySelector("[data-fit]").addEventListener("click", fit);
    for (const button of this.element.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => this.view.zoom(Number(button.dataset.zoom)));
    }
    for (const input of this.element.querySelectorAll("input")) input.addEventListener("change", () => this.arrange());
    for (const { canvas } of this.sides) {
      canvas.addEventListener("keydown", (event) => event.key === "0" && fit());
    }
  }

  get way() {
    return this.element.querySelector("input[name=way]:checked").value;
  }

  arrange() {
    this.element.querySelector(".compare-views").classList.toggle("one", this.way !== "beside");
    clearInterval(this.timer);
    this.shown = 0;
    if (this.way === "blink") {
      this.timer = setInterval(() => {
        this.shown = 1 - this.shown;
        this.draw();
      }, BLINK_MS);
    }
    this.draw();
  }

  paint() {
    const hasOutlines = this.element.querySelector("[data-outlines]").checked;
    for (const { layer } of this.sides) {
      const level = layer.levelFor(this.view);
      if (layer.canShow(level)) layer.requestPictures(this.view, level);
      layer.requestPieces(this.view);
    }
    if (this.way === "beside") {
      for (const { canvas, layer } of this.sides) this.paintOne(clear(canvas), layer, hasOutlines, TINTS[0]);
    } else if (this.way === "blink") {
      this.paintOne(clear(this.sides[0].canvas), this.sides[this.shown].layer, hasOutlines, TINTS[this.shown]);
      this.report(`Shown: ${"ab"[this.shown]}`);
      return;
    } else {
      this.paintBoth(hasOutlines);
    }
    const canShow = this.sides.every(({ layer }) => layer.canShow(layer.levelFor(this.view)));
    this.report(
      this.sides.map(({ layer }) => layer.problem).find(Boolean) || (canShow ? "" : "Zoom in for the pictures."),
    );
  }

  paintOne(context, layer, hasOutlines, colour) {
    drawPictures(context, layer, this.view);
    if (hasOutlines) drawOutlines(context, layer, this.view, () => colour);
  }

  // Each side in its own colour, added: grey where both are equal.
  paintBoth(hasOutlines) {
    const { canvas } = this.sides[0];
    const context = clear(canvas);
    this.scratch.width = canvas.width;
    this.scratch.height = canvas.height;
    this.sides.forEach(({ layer }, number) => {
      const own = clear(this.scratch);
      own.fillStyle = "#000";
      own.fillRect(0, 0, this.view.width, this.view.height);
      drawPictures(own, layer, this.view);
      own.globalCompositeOperation = "multiply";
      own.fillStyle = TINTS[number];
      own.fillRect(0, 0, this.view.width, this.view.height);
      context.globalCompositeOperation = number ? "lighter" : "source-over";
      context.drawImage(this.scratch, 0, 0, this.view.width, this.view.height);
    });
    context.globalCompositeOperation = "source-over";
    if (hasOutlines) this.sides.forEach(({ layer }, number) => drawOutlines(context, layer, this.view, () => TINTS[number]));
  }

  report(words) {
    const place = this.element.querySelector(".map-status");
    if (place.textContent !== words) place.textContent = words;
  }
}

for (const element of document.querySelectorAll("[data-compare]")) {
  const comparison = new Comparison(element);
  element.comparison = comparison;
  comparison.start();
}
