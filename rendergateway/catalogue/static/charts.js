// Charts: the point nearest to the pointer and the section it leads to; a drag selects a range of z, and the names of
// the legend show and hide their points.

const SVG = "http://www.w3.org/2000/svg";
const DRAG_PX = 6;
const STEPS = [1, 2, 2.5, 5, 10];

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
  }

  // Points in the places of the whole range, read when they are first needed.
  pointsOf(series) {
    series.points ??= [...series.path.getAttribute("d").matchAll(/M([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    return series.points;
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
      });
    }
  }

  // Places: in the drawing, and as z

  placeOf(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [Math.max(this.left, Math.min(this.right, at.x)), at.y];
  }

  zAt(x, [low, high] = this.range) {
    return low + ((x - this.left) / (this.right - this.left)) * (high - low);
  }

  xOf(z) {
    return this.left + ((z - this.range[0]) / (this.range[1] - this.range[0])) * (this.right - this.left);
  }

  // The pointer

  pressed(event) {
    this.start = this.placeOf(event)[0];
    this.svg.setPointerCapture(event.pointerId);
  }

  moved(event) {
    const [x, y] = this.placeOf(event);
    if (this.start !== undefined && Math.abs(x - this.start) > DRAG_PX) this.mark(x);
    this.find(x, y);
  }

  released(event) {
    const [x, y] = this.placeOf(event);
    const { start } = this;
    this.endDrag();
    if (start !== undefined && Math.abs(x - start) > DRAG_PX) {
      this.show(...[this.zAt(start), this.zAt(x)].sort((a, b) => a - b));
      return;
    }
    this.find(x, y);
    if (this.nearest && this.nearest.name !== "Missing") location.assign(`${this.figure.dataset.zUrl}?z=${this.nearest.z}`);
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

  find(x, y) {
    this.nearest = null;
    let least = Infinity;
    for (const series of this.series) {
      if (series.path.hasAttribute("hidden")) continue;
      for (const [wholeX, pointY] of this.pointsOf(series)) {
        const z = this.zAt(wholeX, [this.x0, this.x1]);
        const distance = Math.hypot(this.xOf(z) - x, (pointY - y) * 0.5);
        if (z < this.range[0] || z > this.range[1] || distance >= least) continue;
        least = distance;
        this.nearest = { name: series.name, z: this.rounded(z), y: pointY };
      }
    }
    if (!this.nearest) return;
    const value = this.y0 + ((this.bottom - this.nearest.y) / (this.bottom - this.top)) * (this.y1 - this.y0);
    this.tip.textContent = `${this.nearest.name}: z ${this.nearest.z}, ${Number(value.toPrecision(4)).toLocaleString("en")}`;
  }

  // Positions have two decimals, so a whole z is found by rounding.
  rounded(z) {
    const isWhole = Math.abs(z - Math.round(z)) < 0.02 * Math.max(1, (this.x1 - this.x0) / 600);
    return isWhole ? Math.round(z) : Number(z.toFixed(2));
  }

  // The range of z

  show(low, high) {
    this.range = [low, high];
    for (const series of this.series) {
      const shown = this.pointsOf(series).map(([x, y]) => [this.zAt(x, [this.x0, this.x1]), y]);
      const inside = shown.filter(([z]) => z >= low && z <= high);
      series.path.setAttribute("d", inside.map(([z, y]) => `M${this.xOf(z).toFixed(2)} ${y}h0`).join(""));
    }
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * STEPS.find((one) => one * power >= rough);
    const old = [...this.svg.querySelectorAll(".tick-x")];
    for (let z = Math.ceil(low / step) * step; z <= high; z += step) {
      const tick = old[0].cloneNode();
      tick.setAttribute("x", this.xOf(z));
      tick.append(Number(z.toPrecision(6)).toLocaleString("en"));
      this.svg.append(tick);
    }
    for (const tick of old) tick.remove();
    this.addReset(low > this.x0 || high < this.x1);
  }

  addReset(isPart) {
    this.reset?.remove();
    this.reset = undefined;
    if (!isPart) return;
    this.reset = document.createElement("button");
    this.reset.type = "button";
    this.reset.append("Whole range");
    this.reset.addEventListener("click", () => this.show(this.x0, this.x1));
    this.tip.after(this.reset);
  }
}

for (const figure of document.querySelectorAll("[data-chart]")) figure.chart = new Chart(figure);
