// A view of the world: which world pixel is in the middle of a canvas, and how many screen pixels one world pixel has.

export class View {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.scale = 1;
    this.width = 1;
    this.height = 1;
    this.listeners = [];
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  resize(width, height) {
    this.width = width;
    this.height = height;
    this.changed();
  }

  fit([minX, minY, maxX, maxY]) {
    this.x = (minX + maxX) / 2;
    this.y = (minY + maxY) / 2;
    const margin = 0.96;
    this.scale = margin * Math.min(this.width / Math.max(maxX - minX, 1), this.height / Math.max(maxY - minY, 1));
    this.changed();
  }

  set(x, y, scale) {
    [this.x, this.y, this.scale] = [x, y, scale];
    this.changed();
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.changed();
  }

  // Zoom so that the world under a screen point stays there.
  zoom(factor, screenX = this.width / 2, screenY = this.height / 2) {
    const [worldX, worldY] = this.toWorld(screenX, screenY);
    this.scale = Math.min(64, Math.max(1e-6, this.scale * factor));
    this.x = worldX - (screenX - this.width / 2) / this.scale;
    this.y = worldY - (screenY - this.height / 2) / this.scale;
    this.changed();
  }

  toWorld(screenX, screenY) {
    return [this.x + (screenX - this.width / 2) / this.scale, this.y + (screenY - this.height / 2) / this.scale];
  }

  toScreen(worldX, worldY) {
    return [(worldX - this.x) * this.scale + this.width / 2, (worldY - this.y) * this.scale + this.height / 2];
  }

  // The visible part of the world: min x, min y, max x, max y.
  get box() {
    return [...this.toWorld(0, 0), ...this.toWorld(this.width, this.height)];
  }
}

export function touches(a, b) {
  return a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
}

// Let pointer, wheel and keys change a view; onTap gets the world point of a click or of Enter.
export function control(canvas, view, onTap = () => {}) {
  const pointers = new Map();
  let moved = 0;

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    moved = 0;
    canvas.classList.add("moving");
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY];
    const other = [...pointers.entries()].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    moved += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    if (other) {
      const span = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]) || 1;
      view.zoom(span(now) / span(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else {
      view.pan(now[0] - before[0], now[1] - before[1]);
    }
  });
  const released = (event) => {
    if (pointers.delete(event.pointerId) && event.type === "pointerup" && moved < 5 && !pointers.size) {
      onTap(view.toWorld(event.offsetX, event.offsetY));
    }
    if (!pointers.size) canvas.classList.remove("moving");
  };
  canvas.addEventListener("pointerup", released);
  canvas.addEventListener("pointercancel", released);
  canvas.addEventListener(
    "wheel",
    (event) => {
      // With Shift the wheel is free for another use.
      if (event.shiftKey) return;
      event.preventDefault();
      view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
    },
    { passive: false },
  );
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const actions = {
      ArrowLeft: () => view.pan(step, 0),
      ArrowRight: () => view.pan(-step, 0),
      ArrowUp: () => view.pan(0, step),
      ArrowDown: () => view.pan(0, -step),
      "+": () => view.zoom(1.5),
      "=": () => view.zoom(1.5),
      "-": () => view.zoom(1 / 1.5),
      Enter: () => onTap([view.x, view.y]),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  new ResizeObserver(() => {
    // A hidden canvas must not shrink the view that it shares.
    if (!canvas.clientWidth || !canvas.clientHeight) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    view.resize(canvas.clientWidth, canvas.clientHeight);
  }).observe(canvas);
}
