// The corruption sheet of a report: one image under every corruption, at a severity.
(() => {
  "use strict";

  const choice = document.getElementById("sheet-severity");
  if (!choice) return;
  const { data, makeText, spoken } = window.galleryParts;
  const { cells, corrupted, images, sheet } = data;
  const corruptions = [...new Set(cells.slice(1).map((key) => key.slice(0, key.lastIndexOf("/"))))];
  const fill = () => {
    const severity = choice.querySelector("input:checked").value;
    const sourceOf = (name) => (name === "clean" ? images[sheet].thumbnail : corrupted[`${sheet} ${cells.indexOf(`${name}/${severity}`)}`]);
    const figures = ["clean", ...corruptions].filter(sourceOf).map((name) => {
      const figure = document.createElement("figure");
      const thumbnail = document.createElement("img");
      thumbnail.src = `data:image/webp;base64,${sourceOf(name)}`;
      thumbnail.alt = `${images[sheet].name}, ${name === "clean" ? "clean" : `${spoken(name)}, severity ${severity}`}`;
      [thumbnail.width, thumbnail.height] = images[sheet].size;
      figure.append(thumbnail, makeText("figcaption", spoken(name)));
      return figure;
    });
    document.getElementById("sheet-images").replaceChildren(...figures);
  };
  choice.addEventListener("change", fill);
  fill();
})();
