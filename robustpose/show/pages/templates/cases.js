// Cases: an image in a cell. Its address (#image=139&cell=fog-3), the list of cases beside a gallery, and whom it shows.
(() => {
  "use strict";

  const WAIT = 250; // ms: browsers refuse addresses that change a hundred times in a few seconds
  const SWIPE = 45; // px

  const makeText = (name, text, className = "") => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const spoken = (text) => text.includes(":") ? text : text.replaceAll("_", " "); // the name of one's own code stays
  const percent = (thousandths) => (thousandths / 10).toFixed(1);
  const wordsOf = (cell) => spoken(cell).replace(/\/(?=[^/]*$)/, " "); // gaussian_noise/3 -> gaussian noise 3

  // ---- the address -----------------------------------------------------------------------------------------------
  const decode = (text) => {
    try { return decodeURIComponent(text); } catch { return text; }
  };
  // What an address says: { image, cell, … }, or null for one that is not of the gallery, such as #cells.
  const readAddress = () => {
    const pairs = location.hash.slice(1).split("&").map((part) => [decode(part.split("=")[0]), decode(part.split("=").slice(1).join("="))]);
    const said = Object.fromEntries(pairs);
    return "image" in said || "cell" in said ? said : null;
  };
  let waiting = 0;
  const writeAddress = (said) => {
    const hash = Object.entries(said).filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    const before = location.hash;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (location.hash !== before) return; // somebody has gone elsewhere meanwhile
      try { history.replaceState(history.state, "", `#${hash}`); } catch { /* a page that is embedded somewhere may not */ }
    }, WAIT);
  };
  const addressOfCell = (cell) => cell.replace(":", ".").replace(/\/(?=[^/]*$)/, "-"); // as files of a run folder are called
  // The number of a cell by what an address calls it: fog-3, fog/3 or fog 3; -1 for none.
  const findCell = (cells, text) => cells.findIndex((cell) => [cell, addressOfCell(cell), wordsOf(cell)].includes(text) || addressOfCell(cell) === text.replace(":", "."));
  // The number of an image by its id, its name or its name without folder and ending; -1 for none.
  const findImage = (images, text) => {
    const stem = (name) => name.replace(/^.*\//, "").replace(/\.[^.]*$/, "");
    for (const named of [(one) => one.id, (one) => one.name, (one) => stem(one.name)]) {
      const number = images.findIndex((one) => named(one) === text);
      if (number >= 0) return number;
    }
    return -1;
  };
  const short = (text) => (text.length > 60 ? `${text.slice(0, 57)}…` : text);

  // ---- the list --------------------------------------------------------------------------------------------------
  // Fill an ordered list with entries { key, source, title, name, drop }; `choose` is called with an entry.
  const fillList = (list, entries, choose) => {
    list.replaceChildren(...entries.map((entry) => {
      const button = document.createElement("button");
      button.type = "button";
      Object.assign(button.dataset, entry.data);
      const thumbnail = document.createElement("img");
      thumbnail.decoding = "async";
      thumbnail.src = entry.source;
      thumbnail.alt = "";
      const middle = document.createElement("span");
      middle.append(makeText("span", entry.title, "cell"), makeText("span", entry.name, "name"));
      button.append(thumbnail, middle, makeText("span", entry.drop, "drop"));
      button.addEventListener("click", () => choose(entry));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
  };
  // Mark the entry that is shown, and bring it into sight within the list; the page stays where it is.
  const markList = (list, number) => {
    list.querySelectorAll("button").forEach((button, other) => button.setAttribute("aria-current", other === number));
    const item = list.children[number];
    if (!item) return;
    const [top, bottom] = [item.offsetTop - list.offsetTop, item.offsetTop - list.offsetTop + item.offsetHeight];
    if (top < list.scrollTop) list.scrollTop = top;
    if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  };
  const goByArrows = (list) => list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...list.querySelectorAll("button")];
    const next = by && buttons[buttons.indexOf(document.activeElement) + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  });

  // ---- whom it shows ---------------------------------------------------------------------------------------------
  // Offer the whole image, who is worth looking at, and each person; `chosen` is "whole", "worst" or a number.
  const fillPeople = (select, n_people, worstWords, chosen) => {
    const people = Array.from({ length: n_people }, (_, number) => new Option(`person ${number + 1} of ${n_people}`, number));
    select.replaceChildren(new Option("whole image", "whole"), ...(n_people ? [new Option(worstWords, "worst"), ...people] : []));
    select.value = n_people ? String(chosen) : "whole";
  };

  // ---- keys and fingers ------------------------------------------------------------------------------------------
  const heedKeys = (element, keys) => element.addEventListener("keydown", (event) => {
    const isTyping = /^(select|textarea)$/i.test(event.target.tagName) || event.target.type === "text";
    const name = event.key.length === 1 ? `${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}` : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping || !keys[name]) return;
    event.preventDefault();
    keys[name]();
  });
  // Call `onSwipe` with 1 for a finger that goes left, to what comes next, and with -1 for one that goes right.
  const heedSwipes = (element, onSwipe) => {
    let start = null;
    element.addEventListener("pointerdown", (event) => { start = event.pointerType === "touch" && event.isPrimary ? event : null; });
    element.addEventListener("pointercancel", () => { start = null; });
    element.addEventListener("pointerup", (event) => {
      if (!start) return;
      const [x, y] = [event.clientX - start.clientX, event.clientY - start.clientY];
      start = null;
      if (Math.abs(x) >= SWIPE && Math.abs(x) > 2 * Math.abs(y)) onSwipe(x < 0 ? 1 : -1);
    });
  };

  Object.assign(window.galleryParts, {
    makeText, spoken, percent, wordsOf, readAddress, writeAddress, addressOfCell, findCell, findImage, short,
    fillList, markList, goByArrows, fillPeople, heedKeys, heedSwipes,
  });
})();
