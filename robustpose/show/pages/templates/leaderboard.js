// Leaderboards: filters, sorting and the view of corruptions. The address says all of it, so that it can be sent on.
(() => {
  "use strict";

  const fields = [...document.querySelectorAll("[data-filter]")];
  const sections = [...document.querySelectorAll("section.board")];
  const tables = sections.map((section) => section.querySelector("table"));
  const toggle = document.getElementById("by-corruption");
  const shown = document.getElementById("shown");
  const state = new Map(); // what differs from the page as it opens, by its name in the address

  const passes = (element, names) =>
    names.every((name) => {
      const wanted = state.get(name) ?? "";
      const is = element.dataset[name];
      return !wanted || (name === "model" ? is.toLowerCase().includes(wanted.toLowerCase()) : is === wanted);
    });

  const headersOf = (table) => [...table.tHead.rows[0].cells];
  const nameOf = (header) => header.dataset.csv ?? header.textContent.trim();
  const clickUntil = (header, direction) => {
    for (let i = 0; i < 3 && header.getAttribute("aria-sort") !== direction; i++) header.querySelector("button").click();
  };

  let isSorting = false;
  const sortAll = () => {
    isSorting = true;
    const [name, direction] = [state.get("sort"), state.get("order") ?? "descending"];
    tables.forEach((table) => {
      const wanted = headersOf(table).find((header) => nameOf(header) === name);
      if (wanted) clickUntil(wanted, direction);
      else headersOf(table).filter((one) => one.getAttribute("aria-sort") !== "none").forEach((one) => clickUntil(one, "none"));
    });
    isSorting = false;
  };

  const show = () => {
    const isByCorruption = state.get("view") === "corruptions";
    toggle.setAttribute("aria-pressed", isByCorruption);
    let [count, all] = [0, 0];
    sections.forEach((section, place) => {
      const figure = section.querySelector("figure");
      figure.classList.toggle("folded", !isByCorruption);
      figure.classList.toggle("by-corruption", isByCorruption);
      const isOpen = passes(section, ["suite", "boxes"]);
      const rows = [...tables[place].tBodies[0].rows];
      rows.forEach((row) => (row.hidden = !(isOpen && passes(row, ["model", "input", "parameters", "seen"]))));
      const left = rows.filter((row) => !row.hidden).length;
      section.hidden = left === 0;
      const link = document.querySelector(`nav a[href="#${section.id}"]`);
      if (link) link.parentElement.hidden = section.hidden;
      if (section.classList.contains("by-suite")) return; // its rows are results of the boards below
      count += left;
      all += rows.length;
    });
    const isFiltered = fields.some((field) => state.get(field.dataset.filter));
    document.getElementById("clear").hidden = state.size === 0;
    shown.textContent = isFiltered ? `${count} of ${all} shown` : `${all} result${all === 1 ? "" : "s"}`;
  };

  const write = () => {
    const words = new URLSearchParams([...state]).toString();
    history.replaceState(null, "", words ? `#${words}` : location.pathname + location.search);
    show();
  };
  const set = (name, value) => (value ? state.set(name, value) : state.delete(name));

  // Whether the page has what the address asks for. What is the same for all has no field, and can be asked for.
  const has = (name, value) => {
    if (name === "sort") return tables.some((table) => headersOf(table).some((header) => nameOf(header) === value));
    if (name === "order") return ["ascending", "descending"].includes(value);
    if (name === "view") return value === "corruptions";
    if (name === "model") return true;
    const isFilter = ["suite", "boxes", "input", "parameters", "seen"].includes(name);
    return isFilter && [...document.querySelectorAll(`[data-${name}]`)].some((one) => one.dataset[name] === value);
  };

  const tellUnknown = (words) => {
    if (words.length) shown.textContent += `; the address asks for ${words.join(", ").slice(0, 200)}, which is not here`;
  };

  const read = () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) {
      show(); // a place on the page
      tellUnknown(document.getElementById(hash) ? [] : [`#${hash}`]);
      return;
    }
    state.clear();
    const unknown = [];
    new URLSearchParams(hash).forEach((value, name) => {
      if (!value || has(name, value)) set(name, value);
      else unknown.push(`${name}=${value}`);
    });
    fields.forEach((field) => (field.value = state.get(field.dataset.filter) ?? ""));
    sortAll();
    show();
    tellUnknown(unknown);
  };

  fields.forEach((field) =>
    field.addEventListener("input", () => {
      set(field.dataset.filter, field.value.trim());
      write();
    }),
  );
  toggle.addEventListener("click", () => {
    set("view", state.get("view") ? "" : "corruptions");
    write();
  });
  document.getElementById("clear").addEventListener("click", () => {
    state.clear();
    fields.forEach((field) => (field.value = ""));
    sortAll();
    write();
    document.getElementById("filters").querySelector("input").focus();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.sort");
    if (!button || isSorting) return;
    const header = button.closest("th");
    const direction = header.getAttribute("aria-sort");
    set("sort", direction === "none" ? "" : nameOf(header));
    set("order", direction === "ascending" ? direction : "");
    sortAll();
    write();
  });
  addEventListener("hashchange", read);

  document.getElementById("filters").hidden = false;
  read();
})();
