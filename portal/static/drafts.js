// A form that keeps what is filled in on the server, and sends how long the page was looked at.

const DRAFT_AFTER_MS = 800;
const opened = performance.now();

export function keepDrafts(form) {
  let waiting = 0;

  function keep() {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const said = document.getElementById("draft");
      try {
        const answer = await fetch(form.dataset.draft, { method: "POST", body: new FormData(form) });
        if (!answer.ok) throw new Error(String(answer.status));
        said.textContent = `${form.dataset.saved} ${new Date().toLocaleTimeString()}`;
      } catch {
        said.textContent = form.dataset.failed;
      }
    }, DRAFT_AFTER_MS);
  }

  form.addEventListener("change", keep);
  form.addEventListener("submit", () => {
    clearTimeout(waiting);
    form.elements.seconds.value = ((performance.now() - opened) / 1000).toFixed(1);
  });
  return keep;
}
