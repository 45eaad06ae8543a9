// The gallery: one image in one cell, with the predicted and the true skeletons; the worst cases; the corruption sheet.
(() => {
  "use strict";

  const gallery = JSON.parse(document.getElementById("data-gallery").textContent);
  const { cells, images, joints, limbs, units } = gallery;
  const SVG = "http://www.w3.org/2000/svg";
  const COLORS = { prediction: "#ff7a1a", truth: "#14c7e8" };
  const MOST_LISTED = 150;
  const $ = (id) => document.getElementById(id);
  const root = $("gallery-root");

  // ---- what is known -------------------------------------------------------------------------------------------
  const splitKey = (key) => (key === "clean" ? ["clean", 0] : [key.slice(0, key.lastIndexOf("/")), Number(key.slice(key.lastIndexOf("/") + 1))]);
  const corruptions = [...new Set(cells.map((key) => splitKey(key)[0]))];
  const severitiesOf = (corruption) => cells.map(splitKey).filter(([name]) => name === corruption).map(([, severity]) => severity);
  const cellOf = (corruption, severity) => cells.indexOf(corruption === "clean" ? "clean" : `${corruption}/${severity}`);
  const spoken = (text) => text.replaceAll("_", " ");
  const words = (cell) => spoken(cells[cell]).replace("/", " ");
  const corruptedOf = (image, cell) => gallery.corrupted[`${image} ${cell}`];
  const sourceOf = (image, cell) => `data:image/webp;base64,${corruptedOf(image, cell) ?? images[image].thumbnail}`;
  const percent = (thousandths) => (thousandths / 10).toFixed(1);
  const dropOf = (image, cell) => {
    const quality = images[image].quality;
    return !quality || quality[0] === null || quality[cell] === null ? null : quality[0] - quality[cell];
  };

  // Poses of an image by cell: a list of people, each K times x, y. See robustpose/show/pages/gallery.py for the packing.
  const unpacked = new Map();
  const unpack = (image) => {
    if (!unpacked.has(image)) unpacked.set(image, inflate(images[image].poses).then(readPoses));
    return unpacked.get(image);
  };
  const inflate = async (text) => {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const readPoses = (bytes) => {
    const count = bytes.length / 2;
    const numbers = new Int16Array(count);
    for (let i = 0; i < count; i++) numbers[i] = bytes[i] | (bytes[count + i] << 8);
    const poses = [];
    let at = 0;
    cells.forEach(() => {
      const people = [];
      const n = numbers[at++];
      for (let row = 0; row < n; row++, at += 2 * joints) {
        const person = numbers.slice(at, at + 2 * joints);
        const first = poses[0]?.[row];
        if (first) person.forEach((value, i) => { person[i] = value + first[i]; });
        people.push(person);
      }
      poses.push(people);
    });
    return poses;
  };

  // ---- the image -----------------------------------------------------------------------------------------------
  const make = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };

  // Add a person: points (index -> [x, y] or null), limbs between them, over a dark rim that shows on any image.
  const drawPerson = (group, pointOf, kind, widest) => {
    const points = Array.from({ length: joints }, (_, joint) => pointOf(joint));
    const extent = [0, 1].map((axis) => points.filter(Boolean).map((point) => point[axis]));
    const size = Math.max(...extent.map((values) => Math.max(...values) - Math.min(...values)));
    const width = Math.min(Math.max(size / 55, 0.35 * widest), widest); // thin lines for small people
    const dashes = kind === "truth" ? { "stroke-dasharray": `${3 * width} ${2 * width}` } : {};
    const lines = limbs.filter(([a, b]) => points[a] && points[b]);
    [["#000000", 1.9 * width, 0.55], [COLORS[kind], width, 1]].forEach(([stroke, thickness, opacity]) => {
      const style = { stroke, "stroke-opacity": opacity, "stroke-width": thickness, "stroke-linecap": "round", ...(stroke === "#000000" ? {} : dashes) };
      lines.forEach(([a, b]) => group.append(make("line", { x1: points[a][0], y1: points[a][1], x2: points[b][0], y2: points[b][1], ...style })));
    });
    points.filter(Boolean).forEach(([cx, cy]) => {
      group.append(make("circle", { cx, cy, r: 1.35 * width, fill: kind === "truth" ? "#000000" : COLORS[kind], stroke: kind === "truth" ? COLORS[kind] : "#000000", "stroke-width": 0.5 * width }));
    });
  };

  const state = { image: 0, corruption: "clean", severity: 0 };
  const cell = () => cellOf(state.corruption, state.severity);
  const svg = $("gallery-drawing");

  const drawOverlay = (poses) => {
    const image = images[state.image];
    const width = Math.max(...image.size) / 190; // of lines at most, in pixels of the thumbnail
    const truth = make("g", { class: "truth" });
    image.truth.forEach((person) =>
      drawPerson(truth, (joint) => (person[3 * joint + 2] > 0 ? [person[3 * joint] / units, person[3 * joint + 1] / units] : null), "truth", width));
    const prediction = make("g", { class: "prediction" });
    poses[cell()].forEach((person) => drawPerson(prediction, (joint) => [person[2 * joint] / units, person[2 * joint + 1] / units], "prediction", width));
    truth.style.display = $("show-truth").checked ? "" : "none";
    prediction.style.display = $("show-prediction").checked ? "" : "none";
    svg.querySelectorAll("g").forEach((group) => group.remove());
    svg.append(truth, prediction);
  };

  const describe = (n_found) => {
    const image = images[state.image];
    const parts = [make2("b", image.name), ` · ${words(cell())}`, ` · ${n_found} found, ${image.truth.length} ${gallery.truth_words}`];
    const quality = image.quality?.[cell()];
    if (quality !== null && quality !== undefined) {
      parts.push(` · ${gallery.quality_name} `, make2("b", percent(quality)));
      const drop = dropOf(state.image, cell());
      if (drop !== null && cell() > 0) parts.push(` (clean ${percent(image.quality[0])}, ${drop >= 0 ? "−" : "+"}${percent(Math.abs(drop))})`);
    }
    $("gallery-words").replaceChildren(...parts);
  };
  const make2 = (name, text, className = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  let latest = 0;
  const show = async () => {
    const turn = ++latest;
    const image = images[state.image];
    const poses = await unpack(state.image);
    if (turn !== latest) return; // another image was asked for meanwhile
    svg.setAttribute("viewBox", `0 0 ${image.size[0]} ${image.size[1]}`);
    // Pixel centres are at integers in the poses, at halves in SVG.
    const shown = $("gallery-image");
    shown.setAttribute("x", -0.5);
    shown.setAttribute("y", -0.5);
    shown.setAttribute("width", image.size[0]);
    shown.setAttribute("height", image.size[1]);
    svg.setAttribute("viewBox", `-0.5 -0.5 ${image.size[0]} ${image.size[1]}`);
    shown.setAttribute("href", sourceOf(state.image, cell()));
    const isClean = cell() === 0;
    $("gallery-badge").hidden = isClean || corruptedOf(state.image, cell()) !== undefined;
    drawOverlay(poses);
    describe(poses[cell()].length);
    svg.setAttribute("aria-label", `${image.name}, ${words(cell())}`);
    $("gallery-image-choice").value = state.image;
    $("gallery-corruption").value = state.corruption;
    document.querySelectorAll("#gallery-severity input").forEach((input) => {
      input.checked = Number(input.value) === state.severity;
      input.disabled = state.corruption === "clean" || !severitiesOf(state.corruption).includes(Number(input.value));
    });
    if ($("gallery-worst-of")?.value === "this") fillWorst();
    markWorst();
    root.dataset.shown = `${state.image} ${cell()}`;
  };

  const go = (image, corruption, severity) => {
    state.image = (image + images.length) % images.length;
    if (corruption !== "clean" && !severitiesOf(corruption).includes(severity)) {
      severity = severitiesOf(corruption)[severity > 0 ? severitiesOf(corruption).length - 1 : 0];
    }
    state.corruption = corruption;
    state.severity = corruption === "clean" ? 0 : severity;
    return show();
  };
  let lastSeverity = 3; // to come back to from clean
  const chooseCorruption = (corruption) => {
    if (state.severity > 0) lastSeverity = state.severity;
    go(state.image, corruption, corruption === "clean" ? 0 : lastSeverity);
  };

  // ---- choosing ------------------------------------------------------------------------------------------------
  images.forEach((image, number) => $("gallery-image-choice").append(new Option(image.name, number)));
  corruptions.forEach((name) => $("gallery-corruption").append(new Option(spoken(name), name)));
  $("gallery-image-choice").addEventListener("change", (event) => go(Number(event.target.value), state.corruption, state.severity));
  $("gallery-corruption").addEventListener("change", (event) => chooseCorruption(event.target.value));
  $("gallery-severity").addEventListener("change", (event) => go(state.image, state.corruption, Number(event.target.value)));
  $("gallery-previous").addEventListener("click", () => go(state.image - 1, state.corruption, state.severity));
  $("gallery-next").addEventListener("click", () => go(state.image + 1, state.corruption, state.severity));
  ["show-truth", "show-prediction"].forEach((id) => $(id).addEventListener("change", show));

  const step = (list, value, by) => list[Math.min(Math.max(list.indexOf(value) + by, 0), list.length - 1)];
  const toggle = (id) => { $(id).checked = !$(id).checked; show(); };
  const KEYS = {
    ArrowLeft: () => go(state.image - 1, state.corruption, state.severity),
    ArrowRight: () => go(state.image + 1, state.corruption, state.severity),
    ArrowUp: () => state.corruption !== "clean" && go(state.image, state.corruption, step(severitiesOf(state.corruption), state.severity, 1)),
    ArrowDown: () => state.corruption !== "clean" && go(state.image, state.corruption, step(severitiesOf(state.corruption), state.severity, -1)),
    PageDown: () => chooseCorruption(step(corruptions, state.corruption, 1)),
    PageUp: () => chooseCorruption(step(corruptions, state.corruption, -1)),
    p: () => toggle("show-prediction"),
    t: () => toggle("show-truth"),
  };
  $("gallery-stage").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  // ---- worst cases ---------------------------------------------------------------------------------------------
  const listCell = (one) => images
    .map((_, image) => ({ image, cell: one, drop: dropOf(image, one) }))
    .filter((place) => place.drop !== null)
    .sort((a, b) => b.drop - a.drop || a.image - b.image);
  const listWorst = (which) => {
    if (which === "this") return listCell(cell()).slice(0, MOST_LISTED);
    const every = cells.slice(1).flatMap((_, number) => listCell(number + 1)).filter((place) => place.drop > 0);
    every.sort((a, b) => b.drop - a.drop || a.cell - b.cell || a.image - b.image);
    const seen = new Set();
    const isFirst = (place) => {
      const key = which === "images" ? place.image : place.cell;
      return !seen.has(key) && seen.add(key);
    };
    return every.filter(isFirst).slice(0, MOST_LISTED);
  };

  let filledFor = null;
  const fillWorst = () => {
    const which = $("gallery-worst-of").value;
    const key = which === "this" ? `this ${cell()}` : which;
    if (key === filledFor) return;
    filledFor = key;
    const entries = listWorst(which).map((place) => {
      const button = document.createElement("button");
      button.type = "button";
      Object.assign(button.dataset, { image: place.image, cell: place.cell });
      const thumbnail = document.createElement("img");
      thumbnail.src = sourceOf(place.image, place.cell);
      thumbnail.alt = "";
      thumbnail.decoding = "async";
      const middle = document.createElement("span");
      middle.append(make2("span", words(place.cell), "cell"), make2("span", images[place.image].name, "name"));
      const drop = make2("span", place.drop > 0 ? `−${percent(place.drop)}` : percent(-place.drop), "drop");
      button.append(thumbnail, middle, drop);
      button.addEventListener("click", () => go(place.image, ...splitKey(cells[place.cell])));
      const item = document.createElement("li");
      item.append(button);
      return item;
    });
    $("gallery-worst").replaceChildren(...entries);
  };
  const markWorst = () => {
    $("gallery-worst")?.querySelectorAll("button").forEach((button) => {
      const isShown = Number(button.dataset.image) === state.image && Number(button.dataset.cell) === cell();
      button.setAttribute("aria-current", isShown);
    });
  };
  if ($("gallery-worst-of")) {
    $("gallery-worst-of").addEventListener("change", () => { fillWorst(); markWorst(); });
    $("gallery-worst").addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const buttons = [...event.currentTarget.querySelectorAll("button")];
      const next = by && buttons[buttons.indexOf(document.activeElement) + by];
      if (!next) return;
      event.preventDefault();
      next.focus();
      next.click();
    });
  }

  // ---- the image as a file -------------------------------------------------------------------------------------
  const load = (source) => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = source;
  });
  $("gallery-png").addEventListener("click", async () => {
    const [width, height] = images[state.image].size;
    const zoom = 3;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [zoom * width, zoom * height];
    const overlay = svg.cloneNode(true);
    overlay.querySelector("image").remove(); // Safari does not draw images inside images reliably
    overlay.setAttribute("width", canvas.width);
    overlay.setAttribute("height", canvas.height);
    const source = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(overlay)], { type: "image/svg+xml" }));
    const context = canvas.getContext("2d");
    context.drawImage(await load(sourceOf(state.image, cell())), 0, 0, canvas.width, canvas.height);
    context.drawImage(await load(source), 0, 0);
    URL.revokeObjectURL(source);
    const isOnClean = !$("gallery-badge").hidden; // the name says so, for the note stays behind
    const name = `${images[state.image].name} ${words(cell())}${isOnClean ? " on clean" : ""}`.replace(/[^A-Za-z0-9_]+/g, "-");
    canvas.toBlob((blob) => window.saveFile(blob, `${name}.png`), "image/png");
  });

  // ---- the corruption sheet ------------------------------------------------------------------------------------
  const fillSheet = () => {
    const severity = Number(document.querySelector("#sheet-severity input:checked").value);
    const shown = corruptions.filter((name) => name !== "clean" && corruptedOf(gallery.sheet, cellOf(name, severity)) !== undefined);
    const figures = ["clean", ...shown].map((name) => {
      const figure = document.createElement("figure");
      const thumbnail = document.createElement("img");
      thumbnail.src = sourceOf(gallery.sheet, cellOf(name, severity));
      thumbnail.alt = `${images[gallery.sheet].name}, ${name === "clean" ? "clean" : `${spoken(name)}, severity ${severity}`}`;
      [thumbnail.width, thumbnail.height] = images[gallery.sheet].size;
      figure.append(thumbnail, make2("figcaption", spoken(name)));
      return figure;
    });
    $("sheet-images").replaceChildren(...figures);
  };
  if ($("sheet-severity")) {
    $("sheet-severity").addEventListener("change", fillSheet);
    fillSheet();
  }

  // ---- the beginning -------------------------------------------------------------------------------------------
  if (typeof DecompressionStream === "undefined") {
    root.replaceChildren(make2("p", "The gallery needs a browser of 2023 or later.", "note"));
    return;
  }
  if ($("gallery-worst-of")) fillWorst();
  const [worst] = $("gallery-worst-of") ? listWorst("images") : [];
  if (worst) go(worst.image, ...splitKey(cells[worst.cell]));
  else go(gallery.sheet, "clean", 0);
})();
