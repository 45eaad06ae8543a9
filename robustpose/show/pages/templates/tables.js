// Tables: headers that sort, a button that shows intervals, a button that saves CSV.
(() => {
  "use strict";

  const cellsOf = (row) => [...row.cells];
  // Text that stands for a cell: data-csv, else its number, else its words without the interval below.
  const textOf = (cell) => {
    if (cell.dataset.csv !== undefined) return cell.dataset.csv;
    if (cell.dataset.value !== undefined) return cell.dataset.value;
    if (cell.classList.contains("score")) return "";
    const copy = cell.cloneNode(true);
    copy.querySelectorAll("small").forEach((small) => small.remove());
    return copy.textContent.trim();
  };

  const compare = (a, b) => {
    const [x, y] = [a, b].map((text) => (text === "" ? NaN : Number(text)));
    if (!isNaN(x) && !isNaN(y)) return x - y;
    return a < b ? -1 : a > b ? 1 : 0;
  };

  const placeOf = new Map(); // of rows: where they were at first
  const sortBy = (table, header, column) => {
    const wasNumber = table.tBodies[0].rows[0]?.cells[column]?.dataset.value !== undefined;
    const before = header.getAttribute("aria-sort");
    // Scores from the lowest up first: what breaks a model is what one looks for. The third time, as it was.
    const direction = { none: "ascending", ascending: "descending", descending: "none" }[before];
    table.querySelectorAll("th[aria-sort]").forEach((one) => one.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", direction);
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, place: placeOf.get(row), key: textOf(row.cells[column]) }));
    rows.sort((a, b) => {
      if (direction === "none") return a.place - b.place;
      if (wasNumber && (a.key === "") !== (b.key === "")) return a.key === "" ? 1 : -1; // what is undefined is last
      return sign * compare(a.key, b.key) || a.place - b.place;
    });
    body.append(...rows.map((one) => one.row));
  };

  document.querySelectorAll("table.sortable, .sortable table").forEach((table) => {
    const head = table.tHead.rows[table.tHead.rows.length - 1];
    [...table.tBodies[0].rows].forEach((row, place) => placeOf.set(row, place));
    cellsOf(head).forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sortBy(table, header, column));
    });
  });

  // No spreadsheet takes a word for a formula; numbers stay as they are. See robustpose/results/spelling.py.
  const neutral = (text) => {
    if (/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text)) return text;
    const letters = [...text];
    const narrow = letters.map((letter) => letter.normalize("NFKC")[0] ?? letter[0]).join("");
    const starts = [...narrow.matchAll(/(^|;)(?=[\s"'`,;|]*[=+\-@])/g)].map((match) => match.index + match[0].length);
    return letters.map((letter, place) => (starts.includes(place) ? `'${letter}` : letter)).join("");
  };
  const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  const tableToCsv = (table) => {
    const head = table.tHead.rows[table.tHead.rows.length - 1];
    const rows = [...table.tBodies].filter((body) => !body.hidden).flatMap((body) => [...body.rows]);
    const hasInterval = cellsOf(head).map((_, column) => rows.some((row) => row.cells[column]?.dataset.low !== undefined));
    const lines = [
      cellsOf(head).flatMap((cell, column) => {
        const name = textOf(cell);
        return hasInterval[column] ? [name, `${name} low`, `${name} high`] : [name];
      }),
    ];
    rows.forEach((row) => {
      lines.push(
        cellsOf(row).flatMap((cell, column) => {
          const text = textOf(cell);
          return hasInterval[column] ? [text, cell.dataset.low ?? "", cell.dataset.high ?? ""] : [text];
        }),
      );
    });
    return lines.map((line) => line.map(neutral).map(quote).join(",") + "\n").join("");
  };

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  window.saveFile = save;

  document.querySelectorAll("button[data-csv]").forEach((button) => {
    button.addEventListener("click", () => {
      const table = button.closest("figure").querySelector("table");
      save(new Blob([tableToCsv(table)], { type: "text/csv" }), button.dataset.csv);
    });
  });

  document.querySelectorAll("button[data-intervals]").forEach((button) => {
    const figure = button.closest("figure");
    figure.classList.add("without-intervals");
    button.addEventListener("click", () => {
      const shown = !figure.classList.toggle("without-intervals");
      button.setAttribute("aria-pressed", shown);
    });
  });
})();
