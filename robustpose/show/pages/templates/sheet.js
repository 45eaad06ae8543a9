// The sheet: a thumbnail large, and from there to its neighbours with the arrow keys.
(() => {
  "use strict";

  const dialog = document.getElementById("large");
  const image = document.getElementById("large-image");
  const words = document.getElementById("large-words");
  let shown = null; // the button whose thumbnail is large

  const show = (button, said = button.dataset.words) => {
    image.src = button.querySelector("img").src;
    image.alt = said;
    words.textContent = said;
  };
  const open = (button) => {
    shown = button;
    show(button);
    if (!dialog.open) dialog.showModal();
  };
  const close = () => dialog.close();

  // The thumbnails of an image row by row; the clean one, in a row of its own, comes first.
  const rowsOf = (button) => [...button.closest(".image").querySelectorAll(".clean, .severities")].map((row) => [...row.querySelectorAll(".look")]);
  const step = (sideways, down) => {
    const rows = rowsOf(shown);
    const row = rows.findIndex((one) => one.includes(shown));
    const column = rows[row].indexOf(shown);
    const all = rows.flat();
    const next = sideways
      ? all[all.indexOf(shown) + sideways]
      : rows[row + down] && rows[row + down][Math.min(column, rows[row + down].length - 1)];
    if (next) open(next);
  };
  const cleanOf = (button) => button.closest(".image").querySelector(".clean .look");

  document.querySelectorAll(".look").forEach((button) => button.addEventListener("click", () => open(button)));
  document.getElementById("large-close").addEventListener("click", close);
  image.addEventListener("click", close);
  dialog.addEventListener("close", () => { if (shown) shown.focus(); });
  dialog.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in steps) {
      event.preventDefault();
      step(...steps[event.key]);
    } else if (event.key.toLowerCase() === "c") show(cleanOf(shown));
  });
  dialog.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "c") show(shown); });
})();
