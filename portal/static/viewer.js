// Two linked panes on canvases of the image's own matrix: what is drawn is what was sent, windowed.

const AHEAD = 5;
const KEPT = 96;
const ZOOM_STEP = 1.25;
const ZOOM_STEPS = 16;
const NARROWER = 0.8;
const SHIFT = 0.05;
const DRAFT_AFTER_MS = 800;

const byId = (id) => document.getElementById(id);
const panes = byId("panes");
const pair = JSON.parse(panes.dataset.pair);
const canvases = [...panes.querySelectorAll("canvas")];
const contexts = canvases.map((canvas) => canvas.getContext("2d"));
const form = byId("verdict");

const state = {
  plane: pair.planes[0],
  index: Number(byId("slice").value) - 1,
  low: pair.mode === "absolute" ? pair.low : pair.ranks[1],
  high: pair.mode === "absolute" ? pair.high : pair.ranks[pair.ranks.length - 2],
  swapped: false,
  flicker: false,
  difference: false,
  zoom: 0,
  pan: [0, 0],
  shown: null,
  marking: false,
};
const opened = performance.now();

// Frames, the least recently used first.
const frames = new Map();

function frame(url) {
  if (!frames.has(url)) {
    const coming = fetch(url).then(async (answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return new Uint16Array(await answer.arrayBuffer());
    });
    frames.set(url, coming);
    coming.catch(() => frames.delete(url));
  }
  const found = frames.get(url);
  frames.delete(url);
  frames.set(url, found);
  while (frames.size > KEPT) frames.delete(frames.keys().next().value);
  return found;
}

const address = (pane, index) => `${panes.dataset.base}/${pane}/${state.plane.name}/${index}`;

// A window in the pair's own terms, values or ranks, as codes of one pane.
function codeOf(value, pane) {
  if (pair.mode === "absolute") {
    return ((value - pair.low) / (pair.high - pair.low || 1)) * 65534 + 1;
  }
  const { ranks } = pair;
  const codes = pair.codes[pane];
  let k = 1;
  while (k < ranks.length - 1 && ranks[k] < value) k += 1;
  const share = (value - ranks[k - 1]) / (ranks[k] - ranks[k - 1]);
  return codes[k - 1] + Math.min(Math.max(share, 0), 1) * (codes[k] - codes[k - 1]);
}

// floor(255 clip((v - low) / (high - low)) + 0.5); code 0 is what was not measured, and black.
const tables = [new Uint32Array(65536), new Uint32Array(65536)];
const tableOf = ["", ""];

function table(pane) {
  const low = codeOf(state.low, pane);
  const high = codeOf(state.high, pane);
  const key = `${low}/${high}`;
  const made = tables[pane];
  if (tableOf[pane] !== key) {
    const width = high - low || Number.MIN_VALUE;
    for (let code = 0; code < 65536; code += 1) {
      const share = Math.min(Math.max((code - low) / width, 0), 1);
      const grey = code === 0 ? 0 : Math.floor(255 * share + 0.5);
      made[code] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
    }
    tableOf[pane] = key;
  }
  return made;
}

let pictures = [];
let words = [];

function fit() {
  const { rows, columns } = state.plane;
  canvases.forEach((canvas) => {
    canvas.width = columns;
    canvas.height = rows;
  });
  pictures = contexts.map((context) => context.createImageData(columns, rows));
  words = pictures.map((picture) => new Uint32Array(picture.data.buffer));
}

function paint(at, codes, greys) {
  const target = words[at];
  for (let i = 0; i < codes.length; i += 1) target[i] = greys[codes[i]];
  contexts[at].putImageData(pictures[at], 0, 0);
}

// Left less right around a middle grey, each through its own window.
function paintDifference(at, shown) {
  const target = words[at];
  const [one, other] = [table(0), table(1)];
  for (let i = 0; i < shown[0].length; i += 1) {
    const unlike = (one[shown[0][i]] & 255) - (other[shown[1][i]] & 255);
    const grey = 128 + (unlike >> 1);
    target[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  contexts[at].putImageData(pictures[at], 0, 0);
}

function draw() {
  if (!state.shown) return;
  const order = state.swapped === state.flicker ? [0, 1] : [1, 0];
  order.forEach((source, at) => paint(at, state.shown[source], table(source)));
  if (state.difference) paintDifference(1, state.shown);
}

function place() {
  const width = canvases[0].parentElement.clientWidth;
  const height = canvases[0].parentElement.clientHeight;
  const fitted = Math.min(width, height / state.plane.aspect);
  const scale = ZOOM_STEP ** state.zoom;
  canvases.forEach((canvas) => {
    canvas.style.width = `${fitted * scale}px`;
    canvas.style.height = `${fitted * scale * state.plane.aspect}px`;
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
    const shown = await Promise.all(canvases.map((c) => frame(address(c.dataset.pane, index))));
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
}

function prefetch() {
  for (let step = 1; step <= AHEAD; step += 1) {
    for (const index of [state.index - step, state.index + step]) {
      if (index >= 0 && index < state.plane.count) {
        canvases.forEach((canvas) => frame(address(canvas.dataset.pane, index)).catch(() => 0));
      }
    }
  }
  pair.next.forEach((url) => frame(url).catch(() => 0));
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
  if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high) return;
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

function choosePlane(name) {
  state.plane = pair.planes.find((plane) => plane.name === name);
  state.index = Math.floor(state.plane.count / 2);
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
  panes.querySelectorAll("figcaption").forEach((caption, at) => {
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
  form.querySelector(`input[name="preferred"][value="${value}"]`).checked = true;
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
byId("mark").addEventListener("click", (event) => {
  if (event.detail === 0) {
    setMark(Math.floor(state.plane.rows / 2), Math.floor(state.plane.columns / 2));
    return;
  }
  state.marking = !state.marking;
  byId("mark").setAttribute("aria-pressed", String(state.marking));
});

let waiting = 0;

function keepDraft() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const said = byId("draft");
    try {
      const answer = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form) });
      if (!answer.ok) throw new Error(String(answer.status));
      said.textContent = `${form.dataset.saved} ${new Date().toLocaleTimeString()}`;
    } catch {
      said.textContent = form.dataset.failed;
    }
  }, DRAFT_AFTER_MS);
}

form.addEventListener("change", keepDraft);
form.addEventListener("submit", () => {
  clearTimeout(waiting);
  form.elements.seconds.value = ((performance.now() - opened) / 1000).toFixed(1);
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

fit();
place();
setWindow(state.low, state.high);
show();
