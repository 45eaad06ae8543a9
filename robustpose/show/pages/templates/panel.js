// Panels: an image with skeletons over it, whole or zoomed to a person. Both galleries, of a run and of a comparison, draw with this.
// Positions are pixels of the thumbnail, whose first pixel begins at -0.5: in poses, pixel centres are at integers.
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const COLORS = { prediction: "#ff7a1a", truth: "#14c7e8" };
  const SAVED_SIDE = 960; // px of the longer side of a panel, in a PNG

  // ---- poses: lists of people, each K times x, y; see robustpose/show/pages/gallery_images.py for the packing ------
  const inflate = async (text) => {
    const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const readPoses = (bytes, joints) => {
    const count = bytes.length / 2;
    const numbers = new Int16Array(count);
    for (let i = 0; i < count; i++) numbers[i] = bytes[i] | (bytes[count + i] << 8);
    const lists = [];
    for (let at = 0; at < count;) {
      const people = [];
      const n = numbers[at++];
      for (let row = 0; row < n; row++, at += 2 * joints) {
        const person = numbers.slice(at, at + 2 * joints);
        const first = lists[0]?.[row];
        if (first) person.forEach((value, i) => { person[i] = value + first[i]; });
        people.push(person);
      }
      lists.push(people);
    }
    return lists;
  };
  const unpacked = new Map();
  const unpack = (text, joints) => {
    if (!unpacked.has(text)) unpacked.set(text, inflate(text).then((bytes) => readPoses(bytes, joints)));
    return unpacked.get(text);
  };

  // ---- drawing ---------------------------------------------------------------------------------------------------
  const make = (name, attributes) => {
    const element = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return element;
  };

  // Add a person: points [x, y] or null, limbs between them, over a dark rim that shows on any image.
  const drawPerson = (group, points, limbs, kind, widest) => {
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

  // Draw into an SVG what a panel shows:
  //   view [x, y, width, height], size [width, height], layers [{ source, box }], name, marked box or null,
  //   prediction [K times x, y], truth [K times x, y, visible], limbs, units, shows { prediction, truth }
  const drawPanel = (svg, panel) => {
    const { view, layers, units, limbs } = panel;
    svg.setAttribute("viewBox", view.join(" "));
    svg.setAttribute("aria-label", panel.name);
    const [first, ...others] = svg.querySelectorAll("image");
    others.forEach((image) => image.remove());
    layers.forEach(({ source, box: [x, y, width, height] }, number) => {
      const image = number ? svg.appendChild(make("image", { preserveAspectRatio: "none" })) : first;
      Object.entries({ x, y, width, height, href: source }).forEach(([key, value]) => image.setAttribute(key, value));
    });
    const widest = Math.max(view[2], view[3]) / 190; // of lines, at most
    const groups = ["truth", "prediction"].map((kind) => {
      const group = make("g", { class: kind });
      const step = kind === "truth" ? 3 : 2;
      panel[kind].forEach((person) => {
        const points = Array.from({ length: person.length / step }, (_, joint) =>
          step === 2 || person[3 * joint + 2] > 0 ? [person[step * joint] / units, person[step * joint + 1] / units] : null);
        drawPerson(group, points, limbs, kind, widest);
      });
      group.style.display = panel.shows[kind] ? "" : "none";
      return group;
    });
    svg.querySelectorAll("g, rect").forEach((one) => one.remove());
    if (panel.marked) {
      const [x, y, width, height] = panel.marked;
      const box = { x, y, width, height, rx: 3, "vector-effect": "non-scaling-stroke" };
      svg.append(make("rect", { ...box, stroke: "#000000", "stroke-opacity": 0.6, "stroke-width": 3.5 }));
      svg.append(make("rect", { ...box, stroke: "#ffffff", "stroke-width": 1.5 }));
    }
    svg.append(...groups);
  };

  // The number of the person at a point of the screen: of regions [x, y, width, height] that hold it, the smallest; else -1.
  const personAt = (svg, regions, event) => {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const hits = regions
      .map(([left, top, width, height], number) => ({ number, area: width * height, inside: x >= left && y >= top && x <= left + width && y <= top + height }))
      .filter((one) => one.inside);
    return hits.length ? hits.reduce((a, b) => (b.area < a.area ? b : a)).number : -1;
  };

  // ---- panels as a file ------------------------------------------------------------------------------------------
  const load = (source) => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = source;
  });
  const paint = async (svg) => {
    const [left, top, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const zoom = SAVED_SIDE / Math.max(width, height);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(zoom * width), Math.round(zoom * height)];
    const context = canvas.getContext("2d");
    for (const image of svg.querySelectorAll("image")) {
      const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => Number(image.getAttribute(name)));
      context.drawImage(await load(image.getAttribute("href")), zoom * (x - left), zoom * (y - top), zoom * w, zoom * h);
    }
    const overlay = svg.cloneNode(true);
    overlay.querySelectorAll("image, rect").forEach((one) => one.remove()); // Safari does not draw images inside images reliably
    overlay.setAttribute("width", canvas.width);
    overlay.setAttribute("height", canvas.height);
    const source = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(overlay)], { type: "image/svg+xml" }));
    context.drawImage(await load(source), 0, 0);
    URL.revokeObjectURL(source);
    return canvas;
  };
  const savePanels = async (svgs, name) => {
    const painted = await Promise.all(svgs.map(paint));
    const gap = 12;
    const canvas = document.createElement("canvas");
    canvas.width = painted.reduce((sum, one) => sum + one.width + gap, -gap);
    canvas.height = Math.max(...painted.map((one) => one.height));
    let at = 0;
    painted.forEach((one) => { canvas.getContext("2d").drawImage(one, at, 0); at += one.width + gap; });
    canvas.toBlob((blob) => window.saveFile(blob, `${name.replace(/[^A-Za-z0-9_]+/g, "-")}.png`), "image/png");
  };

  const data = JSON.parse(document.getElementById("data-gallery").textContent);
  window.galleryParts = { data, unpack, drawPanel, personAt, savePanels, canUnpack: typeof DecompressionStream !== "undefined" };
})();
