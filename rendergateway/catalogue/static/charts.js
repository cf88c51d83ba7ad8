// The point of a chart nearest to the pointer: its values, and the section that it leads to.

function pointsOf(figure) {
  return [...figure.querySelectorAll("path[data-series]")].flatMap((path) =>
    [...path.getAttribute("d").matchAll(/M([\d.]+) ([\d.]+)/g)].map(([, x, y]) => ({
      x: Number(x),
      y: Number(y),
      series: path.dataset.series,
    })),
  );
}

for (const figure of document.querySelectorAll("[data-chart]")) {
  const svg = figure.querySelector("svg");
  const tip = figure.querySelector(".tip");
  const [x0, x1, y0, y1] = figure.dataset.domain.split(",").map(Number);
  const [left, right, top, bottom] = figure.dataset.area.split(",").map(Number);
  let points = null;
  let nearest = null;

  const find = (event) => {
    points ??= pointsOf(figure);
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const distance = (point) => Math.hypot(point.x - at.x, (point.y - at.y) * 0.5);
    nearest = points.reduce((best, point) => (best && distance(best) <= distance(point) ? best : point), null);
    if (!nearest) return;
    // Positions have two decimals, so a whole z is found by rounding.
    const z = x0 + ((nearest.x - left) / (right - left)) * (x1 - x0);
    const value = y0 + ((bottom - nearest.y) / (bottom - top)) * (y1 - y0);
    nearest.z = Math.abs(z - Math.round(z)) < 0.02 * Math.max(1, (x1 - x0) / 600) ? Math.round(z) : Number(z.toFixed(2));
    tip.textContent = `${nearest.series}: z ${nearest.z}, ${Number(value.toPrecision(4)).toLocaleString("en")}`;
  };
  svg.addEventListener("pointermove", find);
  svg.addEventListener("click", (event) => {
    find(event);
    if (nearest && nearest.series !== "Missing") location.assign(`${figure.dataset.zUrl}?z=${nearest.z}`);
  });
}
