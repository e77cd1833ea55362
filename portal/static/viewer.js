// Two linked panes on canvases of the image's own matrix: what is drawn is what was sent, windowed.

import { keepDrafts } from "./drafts.js";
import { frame } from "./frames.js";
import { brightness, codeOf, fill, initial, paintColours } from "./greys.js";

const AHEAD = 5;
const ZOOM_STEP = 1.25;
const ZOOM_STEPS = 16;
const NARROWER = 0.8;
const SHIFT = 0.05;
const HANG_AFTER_MS = 120;
const HUNG_PIXELS = 256;

const byId = (id) => document.getElementById(id);
const panes = byId("panes");
// What hangs: the images of an exam, the one that is read, and perhaps one to compare it with.
const wall = JSON.parse(panes.dataset.wall);
const read = wall.views[wall.read];
let pair = read;
const canvases = [...panes.querySelectorAll("canvas[data-pane]")];
const small = [...document.querySelectorAll("canvas[data-hung]")];
const contexts = canvases.map((canvas) => canvas.getContext("2d"));
const form = byId("verdict");
const keepDraft = keepDrafts(form);
const begin = (view) => wall.fixed || initial(view);

const state = {
  plane: pair.planes[0],
  index: Number(byId("slice").value) - 1,
  low: begin(pair)[0],
  high: begin(pair)[1],
  swapped: false,
  flicker: false,
  difference: false,
  zoom: 0,
  pan: [0, 0],
  shown: null,
  marking: false,
};

// The first two canvases show a pair, a third what it is compared with.
const source = (at) => (at < 2 ? pair : wall.reference);
const inColours = (view) => view.mode === "colour";
const planeOf = (at) => source(at).planes.find((p) => p.name === state.plane.name) || source(at).planes[0];
const share = () => (state.plane.count > 1 ? state.index / (state.plane.count - 1) : 0.5);
const placeIn = (plane, part) => Math.round(part * (plane.count - 1));
const indexOf = (at, index) => (at < 2 ? index : placeIn(planeOf(at), index / Math.max(state.plane.count - 1, 1)));

function address(at, index) {
  const pane = at < 2 ? canvases[at].dataset.pane : "left";
  return `${source(at).base}/${pane}/${planeOf(at).name}/${indexOf(at, index)}`;
}

const tables = canvases.map(() => new Uint32Array(65536));
const tableOf = canvases.map(() => "");

function table(at) {
  const view = source(at);
  const [low, high] = (view.mode === pair.mode ? [state.low, state.high] : begin(view))
    .map((value) => codeOf(value, view, at % 2));
  const key = `${low}/${high}`;
  if (tableOf[at] !== key) {
    fill(tables[at], low, high);
    tableOf[at] = key;
  }
  return tables[at];
}

let pictures = [];
let words = [];

function fit() {
  canvases.forEach((canvas, at) => {
    canvas.width = planeOf(at).columns;
    canvas.height = planeOf(at).rows;
  });
  pictures = contexts.map((context, at) => context.createImageData(planeOf(at).columns, planeOf(at).rows));
  words = pictures.map((picture) => new Uint32Array(picture.data.buffer));
}

function paint(at, codes, from) {
  const target = words[at];
  if (inColours(source(at))) {
    paintColours(target, codes);
  } else {
    const greys = table(from);
    for (let i = 0; i < codes.length; i += 1) target[i] = greys[codes[i]];
  }
  contexts[at].putImageData(pictures[at], 0, 0);
}

// Left less right around a middle grey, each through its own window.
function paintDifference(at, shown) {
  const target = words[at];
  const coloured = inColours(pair);
  const [one, other] = coloured ? [null, null] : [table(0), table(1)];
  for (let i = 0; i < target.length; i += 1) {
    const unlike = coloured
      ? brightness(shown[0], i) - brightness(shown[1], i)
      : (one[shown[0][i]] & 255) - (other[shown[1][i]] & 255);
    const grey = 128 + (unlike >> 1);
    target[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  contexts[at].putImageData(pictures[at], 0, 0);
}

function draw() {
  if (!state.shown) return;
  const order = state.swapped === state.flicker ? [0, 1] : [1, 0];
  order.forEach((from, at) => paint(at, state.shown[from], from));
  if (wall.reference) paint(2, state.shown[2], 2);
  if (state.difference) paintDifference(1, state.shown);
}

function place() {
  const width = canvases[0].parentElement.clientWidth;
  const height = canvases[0].parentElement.clientHeight;
  const scale = ZOOM_STEP ** state.zoom;
  canvases.forEach((canvas, at) => {
    const { aspect } = planeOf(at);
    const fitted = Math.min(width, height / aspect);
    canvas.style.width = `${fitted * scale}px`;
    canvas.style.height = `${fitted * scale * aspect}px`;
    canvas.style.transform = `translate(${state.pan[0]}px, ${state.pan[1]}px)`;
  });
  byId("zoom").value = state.zoom;
}

let wanted = 0;

// Both panes change at once, and only to what was asked for last.
async function show() {
  wanted += 1;
  const turn = wanted;
  const text = `${state.index + 1} ${panes.dataset.ofWord} ${state.plane.count}`;
  byId("slice").value = state.index + 1;
  byId("place").textContent = text;
  panes.setAttribute("aria-busy", "true");
  try {
    const { index } = state;
    const shown = await Promise.all(canvases.map((_, at) => frame(address(at, index), inColours(source(at)))));
    if (turn !== wanted) return;
    state.shown = shown;
  } catch {
    if (turn === wanted) say(panes.dataset.failed);
    return;
  }
  draw();
  panes.setAttribute("aria-busy", "false");
  say(`${panes.dataset.sliceWord} ${text}`);
  canvases.forEach((canvas) => {
    canvas.setAttribute("aria-label", `${canvas.dataset.label}, ${panes.dataset.sliceWord} ${text}`);
  });
  prefetch();
  clearTimeout(hanging);
  hanging = setTimeout(hang, HANG_AFTER_MS);
}

let hanging = 0;

// What hangs beside is shown at the same share of its depth, coarse, each in its own window.
function hang() {
  small.forEach(async (canvas) => {
    const view = wall.views[Number(canvas.dataset.hung)];
    const [plane] = view.planes;
    const part = state.plane.name === "slice" ? share() : 0.5;
    const every = Math.ceil(Math.max(plane.rows, plane.columns) / HUNG_PIXELS);
    const url = `${view.base}/${canvas.dataset.side}/slice/${placeIn(plane, part)}?every=${every}`;
    if (canvas.dataset.drawn === url) return;
    const codes = await frame(url).catch(() => null);
    if (!codes) return;
    canvas.dataset.drawn = url;
    canvas.width = Math.ceil(plane.columns / every);
    canvas.height = Math.ceil(plane.rows / every);
    const pane = canvas.dataset.side === "left" ? 0 : 1;
    const [low, high] = begin(view).map((value) => codeOf(value, view, pane));
    const greys = fill(new Uint32Array(65536), low, high);
    const picture = canvas.getContext("2d").createImageData(canvas.width, canvas.height);
    new Uint32Array(picture.data.buffer).set(Uint32Array.from(codes, (code) => greys[code]));
    canvas.getContext("2d").putImageData(picture, 0, 0);
  });
}

function chooseView(number) {
  const part = share();
  pair.window = [state.low, state.high];
  pair = wall.views[number];
  [state.low, state.high] = begin(pair);
  const { name } = state.plane;
  [...byId("plane").options].forEach((option) => {
    option.disabled = !pair.planes.some((plane) => plane.name === option.value);
  });
  choosePlane(pair.planes.some((plane) => plane.name === name) ? name : "slice", part);
  setWindow(state.low, state.high);
  document.querySelectorAll("button[data-hung]").forEach((button) => {
    button.setAttribute("aria-pressed", String(Number(button.dataset.hung) === number));
  });
  panes.querySelectorAll("figcaption .place").forEach((place) => {
    place.textContent = pair.place;
  });
}

function nextView() {
  if (wall.views.length > 1) chooseView((wall.views.indexOf(pair) + 1) % wall.views.length);
}

function prefetch() {
  for (let step = 1; step <= AHEAD; step += 1) {
    for (const index of [state.index - step, state.index + step]) {
      if (index >= 0 && index < state.plane.count) {
        canvases.forEach((_, at) => frame(address(at, index), inColours(source(at))).catch(() => 0));
      }
    }
  }
  // Kept by the browser for the next page; what the frames are does not matter here.
  wall.next.forEach((url) => frame(url, true).catch(() => 0));
}

function say(text) {
  byId("status").textContent = text;
}

function turnTo(index) {
  const next = Math.min(Math.max(index, 0), state.plane.count - 1);
  if (next === state.index && state.shown) return;
  state.index = next;
  show();
}

function setWindow(low, high) {
  if (inColours(pair)) {
    draw();
    return;
  }
  if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high) return;
  if (wall.fixed && (low !== wall.fixed[0] || high !== wall.fixed[1])) return;
  const [least, most] = pair.mode === "absolute" ? [-Infinity, Infinity] : [pair.low, pair.high];
  state.low = Math.max(low, least);
  state.high = Math.min(high, most);
  byId("low").value = Number(state.low.toPrecision(5));
  byId("high").value = Number(state.high.toPrecision(5));
  draw();
  say(`${panes.dataset.windowWord} ${byId("low").value} … ${byId("high").value} ${pair.unit}`);
}

function scaleWindow(factor) {
  const middle = (state.low + state.high) / 2;
  const half = ((state.high - state.low) / 2) * factor;
  setWindow(middle - half, middle + half);
}

function moveWindow(share) {
  const by = (state.high - state.low) * share;
  setWindow(state.low + by, state.high + by);
}

function zoomTo(zoom) {
  state.zoom = Math.min(Math.max(zoom, 0), ZOOM_STEPS);
  if (state.zoom === 0) state.pan = [0, 0];
  place();
}

function choosePlane(name, part = null) {
  state.plane = pair.planes.find((plane) => plane.name === name);
  state.index = part === null ? Math.floor(state.plane.count / 2) : placeIn(state.plane, part);
  state.shown = null;
  byId("plane").value = name;
  byId("slice").max = state.plane.count;
  byId("slice").disabled = state.plane.count === 1;
  fit();
  zoomTo(0);
  show();
}

function nextPlane() {
  const at = pair.planes.indexOf(state.plane);
  choosePlane(pair.planes[(at + 1) % pair.planes.length].name);
}

function swap() {
  state.swapped = !state.swapped;
  panes.querySelectorAll("figcaption .pane").forEach((caption, at) => {
    const pane = state.swapped ? 1 - at : at;
    caption.textContent = canvases[pane].dataset.label;
  });
  draw();
}

function toggleDifference() {
  state.difference = !state.difference;
  byId("difference").setAttribute("aria-pressed", String(state.difference));
  say(state.difference ? panes.dataset.differenceWord : "");
  draw();
}

function prefer(value) {
  form.querySelector(`input[data-keys][value="${value}"]`).checked = true;
  keepDraft();
}

const arrows = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
const single = {
  "[": () => scaleWindow(NARROWER),
  "]": () => scaleWindow(1 / NARROWER),
  ";": () => moveWindow(-SHIFT),
  "'": () => moveWindow(SHIFT),
  "+": () => zoomTo(state.zoom + 1),
  "-": () => zoomTo(state.zoom - 1),
  0: () => zoomTo(0),
  s: swap,
  d: toggleDifference,
  p: nextPlane,
  v: nextView,
  1: () => prefer("left"),
  2: () => prefer("right"),
  "?": () => panes.parentElement.querySelector("details.keys").toggleAttribute("open"),
  backspace: () => document.querySelector(".heading a").click(),
};

const typing = (target) => target.closest(
  'textarea, select, input[type="text"], input[type="number"], input[type="range"]',
);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  // Fields keep their own keys: typing a number must never turn a slice (WCAG 2.1.4).
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  const isChoice = event.target.closest('input[type="radio"], input[type="checkbox"], button, summary, a');
  if (event.key in arrows && !event.target.closest('input[type="radio"]')) {
    turnTo(state.index + arrows[event.key] * (event.shiftKey ? 5 : 1));
  } else if (event.key === " " && !isChoice) {
    if (!state.flicker) {
      state.flicker = true;
      draw();
    }
  } else if (byId("keys").checked && single[event.key.toLowerCase()]) {
    single[event.key.toLowerCase()]();
  } else {
    return;
  }
  event.preventDefault();
});

document.addEventListener("keyup", (event) => {
  if (event.key === " " && state.flicker) {
    state.flicker = false;
    draw();
  }
});

function place2mark(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const column = Math.floor(((event.clientX - box.left) / box.width) * state.plane.columns);
  const row = Math.floor(((event.clientY - box.top) / box.height) * state.plane.rows);
  setMark(row, column);
}

function setMark(row, column) {
  if (pair !== read) {
    say(panes.dataset.otherView);
    return;
  }
  const text = `${state.plane.name}:${state.index}:${row}:${column}`;
  form.elements.mark.value = text;
  byId("marked").textContent = text;
  state.marking = false;
  byId("mark").setAttribute("aria-pressed", "false");
  keepDraft();
}

canvases.forEach((canvas) => {
  canvas.parentElement.addEventListener("wheel", (event) => {
    event.preventDefault();
    turnTo(state.index + Math.sign(event.deltaY));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (state.marking) place2mark(canvas, event);
    else canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    state.pan = [state.pan[0] + event.movementX, state.pan[1] + event.movementY];
    place();
  });
});

// By mouse the next click marks; by keyboard the middle of what is shown is marked.
byId("mark")?.addEventListener("click", (event) => {
  if (event.detail === 0) {
    setMark(Math.floor(state.plane.rows / 2), Math.floor(state.plane.columns / 2));
    return;
  }
  state.marking = !state.marking;
  byId("mark").setAttribute("aria-pressed", String(state.marking));
});

document.querySelectorAll("button[data-hung]").forEach((button) => {
  button.addEventListener("click", () => chooseView(Number(button.dataset.hung)));
});
byId("slice").addEventListener("input", (event) => turnTo(Number(event.target.value) - 1));
byId("plane").addEventListener("change", (event) => choosePlane(event.target.value));
byId("zoom").addEventListener("input", (event) => zoomTo(Number(event.target.value)));
byId("swap").addEventListener("click", swap);
byId("difference").addEventListener("click", toggleDifference);
for (const id of ["low", "high"]) {
  byId(id).addEventListener("change", () => setWindow(Number(byId("low").value), Number(byId("high").value)));
}
addEventListener("resize", place);

for (const id of ["low", "high"]) byId(id).disabled ||= inColours(pair);
fit();
place();
setWindow(state.low, state.high);
show();
