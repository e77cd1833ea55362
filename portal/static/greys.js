// From codes to greys through a window, as the pages of tests work it out again in numpy.

// The window an image begins with, in its own terms: values or ranks.
export function initial(view) {
  if (view.window) return view.window;
  if (view.mode === "colour") return [0, 255];
  const { ranks } = view;
  return view.mode === "absolute" ? [view.low, view.high] : [ranks[1], ranks[ranks.length - 2]];
}

// A window in the pair's own terms, values or ranks, as codes of one pane.
export function codeOf(value, view, pane) {
  if (view.mode === "absolute") {
    return ((value - view.low) / (view.high - view.low || 1)) * 65534 + 1;
  }
  const { ranks } = view;
  const codes = view.codes[pane];
  let k = 1;
  while (k < ranks.length - 1 && ranks[k] < value) k += 1;
  const part = (value - ranks[k - 1]) / (ranks[k] - ranks[k - 1]);
  return codes[k - 1] + Math.min(Math.max(part, 0), 1) * (codes[k] - codes[k - 1]);
}

// floor(255 clip((v - low) / (high - low)) + 0.5); code 0 is what was not measured, and black.
export function fill(made, low, high) {
  const width = high - low || Number.MIN_VALUE;
  for (let code = 0; code < 65536; code += 1) {
    const part = Math.min(Math.max((code - low) / width, 0), 1);
    const grey = code === 0 ? 0 : Math.floor(255 * part + 0.5);
    made[code] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return made;
}

// Pixels in colours as they are: three bytes each, opaque.
export function paintColours(target, samples) {
  for (let i = 0, at = 0; i < target.length; i += 1, at += 3) {
    target[i] = 0xff000000 | (samples[at + 2] << 16) | (samples[at + 1] << 8) | samples[at];
  }
}

// How bright a pixel in colours is (ITU-R BT.601), for the difference of two.
export function brightness(samples, i) {
  return 0.299 * samples[3 * i] + 0.587 * samples[3 * i + 1] + 0.114 * samples[3 * i + 2];
}
