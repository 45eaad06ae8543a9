// The gallery of a run: one image in one cell, beside the clean one, with the predicted and the true skeletons; the worst cases.
(() => {
  "use strict";

  const parts = window.galleryParts;
  const { data: gallery, makeText, spoken, percent, wordsOf } = parts;
  const { cells, images, joints, limbs, units } = gallery;
  const MOST_LISTED = 150;
  const $ = (id) => document.getElementById(id);
  const root = $("gallery-root");
  if (!parts.canUnpack) {
    root.replaceChildren(makeText("p", "The gallery needs a browser of 2023 or later.", "note"));
    return;
  }

  // ---- what is known -------------------------------------------------------------------------------------------
  const splitKey = (key) => (key === "clean" ? ["clean", 0] : [key.slice(0, key.lastIndexOf("/")), Number(key.slice(key.lastIndexOf("/") + 1))]);
  const corruptions = [...new Set(cells.map((key) => splitKey(key)[0]))];
  const severitiesOf = (corruption) => cells.map(splitKey).filter(([name]) => name === corruption).map(([, severity]) => severity);
  const cellOf = (corruption, severity) => cells.indexOf(corruption === "clean" ? "clean" : `${corruption}/${severity}`);
  const corruptedOf = (image, cell) => gallery.corrupted[`${image} ${cell}`];
  const hasPicture = (image, cell) => cell === 0 || corruptedOf(image, cell) !== undefined;
  const urlOf = (content) => `data:image/webp;base64,${content}`;
  const sourceOf = (image, cell) => urlOf(corruptedOf(image, cell) ?? images[image].thumbnail);
  const qualityOf = (image, cell) => images[image].quality?.[cell] ?? null;
  const dropOf = (image, cell) => {
    const [clean, here] = [qualityOf(image, 0), qualityOf(image, cell)];
    return clean === null || here === null ? null : clean - here;
  };

  // ---- what is shown -------------------------------------------------------------------------------------------
  const state = { image: 0, corruption: "clean", severity: 0, person: "worst" }; // person: whole, worst or a number
  const cell = () => cellOf(state.corruption, state.severity);
  const worstCellOf = (image) => cells.reduce((worst, _, other) => ((dropOf(image, other) ?? 0) > (dropOf(image, worst) ?? 0) ? other : worst), cells.length - 1);
  const worstPerson = () => images[state.image].people[cell() || worstCellOf(state.image)]; // on clean, who loses most anywhere
  const shownPerson = () => (state.person === "whole" ? -1 : state.person === "worst" ? worstPerson() : state.person);

  const panelOf = (where, poses) => {
    const image = images[state.image];
    const person = shownPerson();
    const whole = [-0.5, -0.5, ...image.size];
    const view = image.regions[person] ?? whole;
    const picture = hasPicture(state.image, where) ? where : 0;
    const layers = [{ source: sourceOf(state.image, where), box: whole }];
    [...Object.keys(image.regions), person].forEach((other) => { // the one who is looked at lies on top
      const crop = person >= 0 && gallery.crops[`${state.image} ${picture} ${other}`];
      if (crop) layers.push({ source: urlOf(crop), box: image.regions[other] });
    });
    const marked = person < 0 ? image.regions[worstPerson()] ?? null : null;
    const shows = { prediction: $("show-prediction").checked, truth: $("show-truth").checked };
    const name = `${image.name}, ${wordsOf(cells[where])}${person < 0 ? "" : `, person ${person + 1}`}`;
    return { view, layers, name, marked, prediction: poses[where], truth: image.truth, limbs, units, shows };
  };
  const nameOf = (where) => {
    const quality = qualityOf(state.image, where);
    return quality === null ? wordsOf(cells[where]) : `${wordsOf(cells[where])} · ${percent(quality)}`;
  };
  const describe = (n_found) => {
    const image = images[state.image];
    const sentence = [makeText("b", image.name), ` · ${wordsOf(cells[cell()])} · ${n_found} found, ${image.truth.length} ${gallery.truth_words}`];
    const quality = qualityOf(state.image, cell());
    const drop = dropOf(state.image, cell());
    if (quality !== null) sentence.push(` · ${gallery.quality_name} `, makeText("b", percent(quality)));
    if (drop !== null && cell() > 0) sentence.push(` (clean ${percent(qualityOf(state.image, 0))}, ${drop >= 0 ? "−" : "+"}${percent(Math.abs(drop))})`);
    $("gallery-words").replaceChildren(...sentence);
  };

  let latest = 0;
  const show = async () => {
    const turn = ++latest;
    const image = images[state.image];
    const poses = await parts.unpack(image.poses, joints);
    if (turn !== latest) return; // another image was asked for meanwhile
    if (typeof state.person === "number" && !image.regions[state.person]) state.person = "worst";
    const isBeside = cell() > 0 && $("show-clean").checked;
    $("gallery-stage").classList.toggle("double", isBeside);
    $("gallery-stage").classList.toggle("zoomed", shownPerson() >= 0);
    $("gallery-clean").hidden = !isBeside;
    if (isBeside) parts.drawPanel($("gallery-clean-drawing"), panelOf(0, poses));
    parts.drawPanel($("gallery-drawing"), panelOf(cell(), poses));
    $("gallery-clean-name").textContent = nameOf(0);
    $("gallery-name").textContent = nameOf(cell());
    $("gallery-badge").hidden = hasPicture(state.image, cell());
    describe(poses[cell()].length);
    $("gallery-image-choice").value = state.image;
    $("gallery-corruption").value = state.corruption;
    parts.fillPeople($("gallery-person"), image.regions.length, "who loses most", state.person);
    document.querySelectorAll("#gallery-severity input").forEach((input) => {
      input.checked = Number(input.value) === state.severity;
      input.disabled = state.corruption === "clean" || !severitiesOf(state.corruption).includes(Number(input.value));
    });
    markWorst();
    root.dataset.shown = `${state.image} ${cell()}`;
  };

  const go = (image, corruption, severity) => {
    if (typeof state.person === "number" && image !== state.image) state.person = "worst"; // that is somebody else there
    state.image = (image + images.length) % images.length;
    if (corruption !== "clean" && !severitiesOf(corruption).includes(severity)) {
      severity = severitiesOf(corruption)[severity > 0 ? severitiesOf(corruption).length - 1 : 0];
    }
    state.corruption = corruption;
    state.severity = corruption === "clean" ? 0 : severity;
    $("gallery-problem").hidden = true;
    return show();
  };
  // Go there as somebody asked: the address says so from now on.
  const visit = (image, corruption, severity) => {
    go(image, corruption, severity);
    note();
  };
  const note = () => parts.writeAddress({
    image: images[state.image].id, cell: parts.addressOfCell(cells[cell()]), person: shownPerson() < 0 ? null : shownPerson() + 1,
  });
  let lastSeverity = 3; // to come back to from clean
  const chooseCorruption = (corruption) => {
    if (state.severity > 0) lastSeverity = state.severity;
    visit(state.image, corruption, corruption === "clean" ? 0 : lastSeverity);
  };
  const choosePerson = (person) => {
    state.person = person;
    show();
    note();
  };

  // ---- choosing ------------------------------------------------------------------------------------------------
  images.forEach((image, number) => $("gallery-image-choice").append(new Option(image.name, number)));
  corruptions.forEach((name) => $("gallery-corruption").append(new Option(spoken(name), name)));
  $("gallery-image-choice").addEventListener("change", (event) => visit(Number(event.target.value), state.corruption, state.severity));
  $("gallery-corruption").addEventListener("change", (event) => chooseCorruption(event.target.value));
  $("gallery-severity").addEventListener("change", (event) => visit(state.image, state.corruption, Number(event.target.value)));
  $("gallery-person").addEventListener("change", ({ target: { value } }) => choosePerson(/^\d+$/.test(value) ? Number(value) : value));
  $("gallery-previous").addEventListener("click", () => visit(state.image - 1, state.corruption, state.severity));
  $("gallery-next").addEventListener("click", () => visit(state.image + 1, state.corruption, state.severity));
  ["show-truth", "show-prediction", "show-clean"].forEach((id) => $(id).addEventListener("change", show));
  ["gallery-drawing", "gallery-clean-drawing"].forEach((id) => $(id).addEventListener("click", (event) => {
    const person = shownPerson() < 0 ? parts.personAt($(id), images[state.image].regions, event) : -1;
    choosePerson(person < 0 ? "whole" : person === worstPerson() ? "worst" : person);
  }));
  $("gallery-png").addEventListener("click", () => {
    const isOnClean = !$("gallery-badge").hidden; // the name says so, for the note stays behind
    const svgs = [...($("gallery-clean").hidden ? [] : [$("gallery-clean-drawing")]), $("gallery-drawing")];
    parts.savePanels(svgs, `${images[state.image].name} ${wordsOf(cells[cell()])}${isOnClean ? " on clean" : ""}`);
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

  const list = $("gallery-worst"); // null where nothing says how good images are
  let worst = [];
  let filledFor = null;
  const fillWorst = () => {
    const which = $("gallery-worst-of").value;
    const key = which === "this" ? `this ${cell()}` : which;
    if (key === filledFor) return;
    filledFor = key;
    worst = listWorst(which);
    const entries = worst.map((place) => ({
      ...place, data: { image: place.image, cell: place.cell }, source: sourceOf(place.image, place.cell),
      title: wordsOf(cells[place.cell]), name: images[place.image].name,
      drop: place.drop > 0 ? `−${percent(place.drop)}` : percent(-place.drop),
    }));
    parts.fillList(list, entries, (place) => visit(place.image, ...splitKey(cells[place.cell])));
  };
  const findWorst = () => worst.findIndex((place) => place.image === state.image && place.cell === cell());
  const markWorst = () => {
    if (!list) return;
    fillWorst();
    const number = findWorst();
    parts.markList(list, number);
    const cases = worst.length === 1 ? "1 case" : `${worst.length} cases`;
    $("gallery-worst-place").textContent = !worst.length ? "no image loses anything" : number < 0 ? cases : `${number + 1} of ${worst.length}`;
    ["previous", "next"].forEach((which) => { $(`gallery-worst-${which}`).disabled = !worst.length; });
  };
  const stepWorst = (by) => {
    if (!worst.length) return;
    const at = findWorst();
    const place = worst[at < 0 ? 0 : (at + by + worst.length) % worst.length];
    visit(place.image, ...splitKey(cells[place.cell]));
  };
  if (list) {
    $("gallery-worst-of").addEventListener("change", markWorst);
    $("gallery-worst-previous").addEventListener("click", () => stepWorst(-1));
    $("gallery-worst-next").addEventListener("click", () => stepWorst(1));
    parts.goByArrows(list);
  }

  // ---- keys and fingers ----------------------------------------------------------------------------------------
  const step = (all, value, by) => all[Math.min(Math.max(all.indexOf(value) + by, 0), all.length - 1)];
  const stepSeverity = (by) => state.corruption !== "clean" && visit(state.image, state.corruption, step(severitiesOf(state.corruption), state.severity, by));
  const stepPerson = (by) => {
    const n = images[state.image].regions.length;
    if (n) choosePerson((Math.max(shownPerson(), by < 0 ? 0 : -1) + by + n) % n);
  };
  const toggle = (id) => { $(id).checked = !$(id).checked; show(); };
  parts.heedKeys($("gallery-stage"), {
    ArrowLeft: () => visit(state.image - 1, state.corruption, state.severity),
    ArrowRight: () => visit(state.image + 1, state.corruption, state.severity),
    ArrowUp: () => stepSeverity(1),
    ArrowDown: () => stepSeverity(-1),
    PageDown: () => chooseCorruption(step(corruptions, state.corruption, 1)),
    PageUp: () => chooseCorruption(step(corruptions, state.corruption, -1)),
    Escape: () => choosePerson("whole"),
  });
  parts.heedKeys(root, {
    n: () => list && stepWorst(1),
    "Shift+n": () => list && stepWorst(-1),
    z: () => choosePerson(shownPerson() < 0 ? "worst" : "whole"),
    x: () => stepPerson(1),
    "Shift+x": () => stepPerson(-1),
    c: () => toggle("show-clean"),
    p: () => toggle("show-prediction"),
    t: () => toggle("show-truth"),
  });
  parts.heedSwipes($("gallery-stage"), (by) => (list ? stepWorst(by) : visit(state.image + by, state.corruption, state.severity)));

  // ---- the beginning -------------------------------------------------------------------------------------------
  // Go where the address says; what this page does not have is said, and all else it asks for is shown.
  const follow = () => {
    const said = parts.readAddress();
    if (!said) return false;
    const problems = [];
    const image = said.image === undefined ? state.image : parts.findImage(images, said.image);
    const where = said.cell === undefined ? cell() : parts.findCell(cells, said.cell);
    if (image < 0) problems.push(`This page has no image “${parts.short(said.image)}”: it shows ${images.length} of the ${gallery.n_images} images.`);
    if (where < 0) problems.push(`This page has no cell “${parts.short(said.cell)}”: it shows ${cells.length}, such as ${parts.addressOfCell(cells.at(-1))}.`);
    if (image >= 0) state.image = image;
    const n_people = images[state.image].regions.length;
    const person = Number(said.person) - 1;
    if (said.person !== undefined && image >= 0 && !(Number.isInteger(person) && person >= 0 && person < n_people)) {
      problems.push(`Image ${images[image].name} has no person “${parts.short(said.person)}”: it has ${n_people}.`);
    }
    state.person = Number.isInteger(person) && person >= 0 && person < n_people ? person : "whole";
    go(state.image, ...splitKey(cells[where < 0 ? cell() : where]));
    $("gallery-problem").textContent = problems.join(" ");
    $("gallery-problem").hidden = !problems.length;
    $("gallery").scrollIntoView();
    return true;
  };
  if (list) fillWorst();
  const [first] = worst;
  if (first) go(first.image, ...splitKey(cells[first.cell]));
  else go(gallery.sheet, "clean", 0);
  follow();
  window.addEventListener("hashchange", follow);
})();
