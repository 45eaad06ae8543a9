// The gallery of a comparison: what two runs found on the same image, side by side, where the second loses or gains most.
(() => {
  "use strict";

  const parts = window.galleryParts;
  const { data: gallery, makeText, percent, wordsOf } = parts;
  const { cells, images, cases, pairs, letters, names, joints, limbs, units } = gallery;
  const $ = (id) => document.getElementById(id);
  const root = $("gallery-root");
  if (!parts.canUnpack) {
    root.replaceChildren(makeText("p", "The gallery needs a browser of 2023 or later.", "note"));
    return;
  }

  // ---- what is known -------------------------------------------------------------------------------------------
  const SIDES = ["first", "second"];
  const urlOf = (content) => `data:image/webp;base64,${content}`;
  const seenIn = (one) => (gallery.thumbnails[`${one.image} ${one.cell}`] === undefined ? 0 : one.cell); // the cell whose image is here
  const sourceOf = (one) => urlOf(gallery.thumbnails[`${one.image} ${seenIn(one)}`]);
  const gapOf = (one, [first, second]) => one.quality[second] - one.quality[first];
  const signed = (thousandths) => `${thousandths < 0 ? "−" : "+"}${percent(Math.abs(thousandths))}`;
  const listCases = (pair, direction) => cases
    .filter((one) => pair.every((run) => one.poses[run] !== undefined && one.quality[run] !== null))
    .filter((one) => (direction === "loses" ? gapOf(one, pair) < 0 : gapOf(one, pair) > 0))
    .sort((a, b) => Math.abs(gapOf(b, pair)) - Math.abs(gapOf(a, pair)) || cases.indexOf(a) - cases.indexOf(b));

  // ---- what is shown -------------------------------------------------------------------------------------------
  const state = { pair: 0, direction: "loses", one: null, person: "worst" }; // person: whole, worst or a number
  let listed = [];
  const image = () => images[state.one.image];
  const shownPerson = () => (state.person === "whole" ? -1 : state.person === "worst" ? state.one.person : state.person);

  const panelOf = (run, lists) => {
    const { one } = state;
    const person = shownPerson();
    const whole = [-0.5, -0.5, ...image().size];
    const layers = [{ source: sourceOf(one), box: whole }];
    [...Object.keys(image().regions), person].forEach((other) => { // the one who is looked at lies on top
      const crop = person >= 0 && gallery.crops[`${one.image} ${seenIn(one)} ${other}`];
      if (crop) layers.push({ source: urlOf(crop), box: image().regions[other] });
    });
    return {
      view: image().regions[person] ?? whole, layers, limbs, units,
      name: `${names[run]} on ${image().name}, ${wordsOf(cells[one.cell])}${person < 0 ? "" : `, person ${person + 1}`}`,
      marked: person < 0 ? image().regions[one.person] ?? null : null,
      prediction: lists[one.poses[run]],
      truth: one.truths[run] ?? image().truth,
      shows: { prediction: $("show-prediction").checked, truth: $("show-truth").checked },
    };
  };
  const nameOf = (run) => `${letters[run]} · ${percent(state.one.quality[run])} · ${names[run]}`;
  const trainingOf = (run) => gallery.trainings[run][state.one.trainings[run]]; // of a group

  let latest = 0;
  const show = async () => {
    const turn = ++latest;
    const { one } = state;
    const pair = pairs[state.pair];
    const lists = await parts.unpack(image().poses, joints);
    if (turn !== latest) return; // another case was asked for meanwhile
    pair.forEach((run, side) => {
      parts.drawPanel($(`gallery-${SIDES[side]}`), panelOf(run, lists));
      $(`gallery-${SIDES[side]}-name`).textContent = nameOf(run);
    });
    $("gallery-stage").classList.toggle("zoomed", shownPerson() >= 0);
    $("gallery-badge").hidden = seenIn(one) === one.cell;
    const [first, second] = pair.map((run) => `${letters[run]} ${percent(one.quality[run])}`);
    $("gallery-words").replaceChildren(
      makeText("b", image().name), ` · ${wordsOf(cells[one.cell])} · ${gallery.quality_name} ${first}, ${second}: `,
      makeText("b", signed(gapOf(one, pair))), ` · ${image().truth.length} ${gallery.truth_words}`,
      gallery.trainings.length ? ` · poses of ${pair.map(trainingOf).join(" and ")}` : "");
    parts.fillPeople($("gallery-person"), image().regions.length, "on whom they differ", state.person);
    const number = listed.indexOf(one);
    parts.markList($("gallery-worst"), number);
    $("gallery-worst-place").textContent = `${number + 1} of ${listed.length}`;
    root.dataset.shown = `${one.image} ${one.cell}`;
  };

  // Fill the list for a pair and a direction; where there are no cases, the other direction is shown.
  const fill = (pair, direction) => {
    const other = direction === "loses" ? "gains" : "loses";
    state.pair = pair;
    state.direction = listCases(pairs[pair], direction).length ? direction : other;
    listed = listCases(pairs[pair], state.direction);
    const [first, second] = pairs[pair].map((run) => letters[run]);
    [...$("gallery-direction").options].forEach((option) => {
      option.textContent = `where ${second} ${option.value} most against ${first}`;
      option.disabled = !listCases(pairs[pair], option.value).length;
    });
    $("gallery-pair").value = pair;
    $("gallery-direction").value = state.direction;
    $("gallery-list-title").textContent = `Where ${second} ${state.direction} most`;
    parts.fillList($("gallery-worst"), listed.map((one) => ({
      one, data: { image: one.image, cell: one.cell }, source: sourceOf(one),
      title: wordsOf(cells[one.cell]), name: images[one.image].name, drop: signed(gapOf(one, pairs[pair])),
    })), (entry) => visit(entry.one));
  };
  const go = (one) => {
    if (typeof state.person === "number" && one.image !== state.one?.image) state.person = "worst"; // that is somebody else there
    state.one = one;
    $("gallery-problem").hidden = true;
    return show();
  };
  const note = () => parts.writeAddress({
    image: image().id, cell: parts.addressOfCell(cells[state.one.cell]), person: shownPerson() < 0 ? null : shownPerson() + 1,
    runs: pairs.length > 1 ? pairs[state.pair].map((run) => letters[run]).join("-") : null,
  });
  // Go there as somebody asked: the address says so from now on.
  const visit = (one) => {
    go(one);
    note();
  };
  const choose = (pair, direction) => {
    fill(pair, direction);
    visit(listed[0]);
  };
  const choosePerson = (person) => {
    state.person = person;
    show();
    note();
  };

  // ---- choosing ------------------------------------------------------------------------------------------------
  $("gallery-pair").addEventListener("change", (event) => choose(Number(event.target.value), state.direction));
  $("gallery-direction").addEventListener("change", (event) => choose(state.pair, event.target.value));
  $("gallery-person").addEventListener("change", ({ target: { value } }) => choosePerson(/^\d+$/.test(value) ? Number(value) : value));
  ["show-truth", "show-prediction"].forEach((id) => $(id).addEventListener("change", show));
  SIDES.map((side) => $(`gallery-${side}`)).forEach((svg) => svg.addEventListener("click", (event) => {
    const person = shownPerson() < 0 ? parts.personAt(svg, image().regions, event) : -1;
    choosePerson(person < 0 ? "whole" : person === state.one.person ? "worst" : person);
  }));
  $("gallery-png").addEventListener("click", () => {
    const isOnClean = !$("gallery-badge").hidden; // the name says so, for the note stays behind
    const runs = pairs[state.pair].map((run) => letters[run]).join(" ");
    parts.savePanels(SIDES.map((side) => $(`gallery-${side}`)), `${image().name} ${wordsOf(cells[state.one.cell])} ${runs}${isOnClean ? " on clean" : ""}`);
  });
  const stepCase = (by) => visit(listed[(listed.indexOf(state.one) + by + listed.length) % listed.length]);
  $("gallery-worst-previous").addEventListener("click", () => stepCase(-1));
  $("gallery-worst-next").addEventListener("click", () => stepCase(1));
  parts.goByArrows($("gallery-worst"));

  // ---- keys and fingers ----------------------------------------------------------------------------------------
  const stepPerson = (by) => {
    const n = image().regions.length;
    if (n) choosePerson((Math.max(shownPerson(), by < 0 ? 0 : -1) + by + n) % n);
  };
  const toggle = (id) => { $(id).checked = !$(id).checked; show(); };
  parts.heedKeys($("gallery-stage"), {
    ArrowLeft: () => stepCase(-1),
    ArrowRight: () => stepCase(1),
    Escape: () => choosePerson("whole"),
  });
  parts.heedKeys(root, {
    n: () => stepCase(1),
    "Shift+n": () => stepCase(-1),
    z: () => choosePerson(shownPerson() < 0 ? "worst" : "whole"),
    x: () => stepPerson(1),
    "Shift+x": () => stepPerson(-1),
    p: () => toggle("show-prediction"),
    t: () => toggle("show-truth"),
  });
  parts.heedSwipes($("gallery-stage"), stepCase);

  // ---- the beginning -------------------------------------------------------------------------------------------
  // Show the case that the address names, of the runs that it names; what this page does not have is said.
  const follow = () => {
    const said = parts.readAddress();
    if (!said) return;
    const pair = pairs.findIndex((runs) => runs.map((run) => letters[run]).join("-") === said.runs);
    const isThere = (one) =>
      (said.image === undefined || one.image === parts.findImage(images, said.image)) &&
      (said.cell === undefined || one.cell === parts.findCell(cells, said.cell));
    const places = (pair < 0 ? [state.pair, ...pairs.keys()] : [pair]).flatMap((number) =>
      ["loses", "gains"].map((direction) => ({ number, direction, one: listCases(pairs[number], direction).find(isThere) })));
    const found = places.find((place) => place.one);
    if (found) {
      fill(found.number, found.direction);
      const person = Number(said.person) - 1;
      state.person = Number.isInteger(person) && person >= 0 && person < images[found.one.image].regions.length ? person : "whole";
      go(found.one);
    } else {
      const what = ["image", "cell", "runs"].filter((name) => said[name] !== undefined).map((name) => `${name} “${parts.short(said[name])}”`);
      $("gallery-problem").textContent = `This page has no case of ${what.join(", ")}: it shows the ${cases.length} on which the runs differ most.`;
    }
    $("gallery-problem").hidden = found !== undefined;
    $("gallery").scrollIntoView();
  };
  const start = pairs.findIndex((pair) => ["loses", "gains"].some((direction) => listCases(pair, direction).length));
  fill(start, "loses");
  go(listed[0]);
  follow();
  window.addEventListener("hashchange", follow);
})();
