// Frames as they were sent, kept in this page, the least recently used first: 16-bit codes, or in
// colours three bytes a pixel.

const KEPT = 96;

const frames = new Map();

export function frame(url, inColours = false) {
  if (!frames.has(url)) {
    const coming = fetch(url).then(async (answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      const Codes = inColours ? Uint8Array : Uint16Array;
      return new Codes(await answer.arrayBuffer());
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
