// Two linked panes. Without this file the page still shows a slice and takes a verdict.

const AHEAD = 5;
const KEPT = 96;
const ZOOM_STEP = 1.25;
const ZOOM_MAX = 16;

const panes = document.getElementById("panes");
const views = [...panes.querySelectorAll("svg")];
const slider = document.getElementById("slice");
const planes = document.getElementById("plane");
const windows = document.getElementById("window");
const place = document.getElementById("place");
const status = document.getElementById("status");
const shortcuts = document.getElementById("keys");

const pictures = new Map();
let wanted = 0;
let zoom = 1;
let centre = { x: 0.5, y: 0.5 };

const plane = () => planes.selectedOptions[0].dataset;
const index = () => Number(slider.value) - 1;
const address = (pane, at) =>
  `${panes.dataset.base}/${pane}/${planes.value}/${at}?window=${windows.value}`;

function picture(url) {
  if (!pictures.has(url)) {
    pictures.set(url, fetch(url).then(async (answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return URL.createObjectURL(await answer.blob());
    }));
    pictures.get(url).catch(() => pictures.delete(url));
  }
  const found = pictures.get(url);
  pictures.delete(url);
  pictures.set(url, found); // the least recently used stands first
  return found;
}

function forget() {
  while (pictures.size > KEPT) {
    const [url, made] = pictures.entries().next().value;
    pictures.delete(url);
    made.then((blob) => URL.revokeObjectURL(blob), () => undefined);
  }
}

// Both panes change at once, and only to what was asked for last.
async function show() {
  const turn = ++wanted;
  const at = index();
  const text = `${at + 1} ${panes.dataset.ofWord} ${plane().count}`;
  place.textContent = text;
  status.textContent = `${panes.dataset.sliceWord} ${text}`;
  const urls = views.map((view) => address(view.dataset.pane, at));
  let found;
  try {
    found = await Promise.all(urls.map(picture));
  } catch (error) {
    if (turn === wanted) status.textContent = String(error);
    return;
  }
  if (turn !== wanted) return;
  views.forEach((view, k) => {
    view.firstElementChild.setAttribute("href", found[k]);
    view.setAttribute("aria-label", `${view.dataset.label}, ${panes.dataset.sliceWord} ${text}`);
  });
  for (let step = 1; step <= AHEAD; step += 1) {
    for (const next of [at - step, at + step]) {
      if (next >= 0 && next < Number(plane().count)) {
        views.forEach((view) => picture(address(view.dataset.pane, next)).catch(() => undefined));
      }
    }
  }
  forget();
}

function frameView() {
  const width = Number(plane().width);
  const height = Number(plane().height);
  const half = 0.5 / zoom;
  centre.x = Math.min(Math.max(centre.x, half), 1 - half);
  centre.y = Math.min(Math.max(centre.y, half), 1 - half);
  const box = [(centre.x - half) * width, (centre.y - half) * height, width / zoom, height / zoom];
  views.forEach((view) => {
    view.setAttribute("viewBox", box.join(" "));
    view.firstElementChild.setAttribute("width", width);
    view.firstElementChild.setAttribute("height", height);
  });
}

function turnTo(number) {
  slider.value = number;
  show();
}

function zoomTo(level) {
  zoom = Math.min(Math.max(level, 1), ZOOM_MAX);
  frameView();
}

function choosePlane() {
  slider.max = plane().count;
  slider.disabled = plane().count === "1";
  zoom = 1;
  centre = { x: 0.5, y: 0.5 };
  frameView();
  turnTo(Math.floor(Number(plane().count) / 2) + 1);
}

function step(select, by) {
  const next = select.selectedIndex + by;
  select.selectedIndex = (next + select.options.length) % select.options.length;
  select.dispatchEvent(new Event("change"));
}

const arrows = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
const single = {
  "[": () => step(windows, -1),
  "]": () => step(windows, 1),
  p: () => step(planes, 1),
  "+": () => zoomTo(zoom * ZOOM_STEP),
  "-": () => zoomTo(zoom / ZOOM_STEP),
  0: () => zoomTo(1),
};

document.addEventListener("keydown", (event) => {
  // Fields keep their own keys: typing a name must never turn a slice (WCAG 2.1.4).
  if (event.target.closest("input, select, textarea")) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in arrows) {
    turnTo(index() + 1 + arrows[event.key] * (event.shiftKey ? 5 : 1));
  } else if (shortcuts.checked && single[event.key.toLowerCase()]) {
    single[event.key.toLowerCase()]();
  } else {
    return;
  }
  event.preventDefault();
});

views.forEach((view) => {
  view.addEventListener("wheel", (event) => {
    event.preventDefault();
    turnTo(index() + 1 + Math.sign(event.deltaY));
  }, { passive: false });
  view.addEventListener("pointerdown", (event) => view.setPointerCapture(event.pointerId));
  view.addEventListener("pointermove", (event) => {
    if (!view.hasPointerCapture(event.pointerId)) return;
    // The picture keeps its proportions, so one pixel is the larger of the two shares.
    const scale = Math.max(
      Number(plane().width) / zoom / view.clientWidth,
      Number(plane().height) / zoom / view.clientHeight,
    );
    centre.x -= (event.movementX * scale) / Number(plane().width);
    centre.y -= (event.movementY * scale) / Number(plane().height);
    frameView();
  });
});

slider.addEventListener("input", show);
windows.addEventListener("change", show);
planes.addEventListener("change", choosePlane);
document.getElementById("show").hidden = true;
show();
