// Frames as they were sent: 16-bit codes, kept in this page, the least recently used first.

const KEPT = 96;

const frames = new Map();

export function frame(url) {
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
