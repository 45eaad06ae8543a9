// Charts: plotly draws what the page's data say, in the page's colours, light and dark; and saves them, always light.
(() => {
  "use strict";

  const charts = JSON.parse(document.getElementById("data-charts").textContent);
  const light = document.querySelector(".always-light");
  const ON_PAPER = 0.52; // of a chart's height
  let isPrinting = false;

  const fade = (hex, opacity) => {
    const [r, g, b] = [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
    return `rgba(${r},${g},${b},${opacity})`;
  };

  // Return a copy of a chart's data in which var(s1) and var(s1, 0.2) are colours.
  const resolve = (value, styles) => {
    if (Array.isArray(value)) return value.map((one) => resolve(one, styles));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one, styles)]));
    }
    const match = typeof value === "string" && value.match(/^var\((\w+)(?:, ([\d.]+))?\)$/);
    if (!match) return value;
    const hex = styles.getPropertyValue(`--${match[1]}`).trim();
    return match[2] ? fade(hex, match[2]) : hex;
  };

  // Return what plotly draws; `width` in px is that of a chart on paper, which is smaller, with smaller words.
  const dress = (chart, data, isLight, width) => {
    const size = width ? 9 : 13;
    const styles = getComputedStyle(isLight ? light : document.documentElement);
    const [ink, muted, line, paper] = ["ink", "muted", "line", "paper"].map((name) => styles.getPropertyValue(`--${name}`).trim());
    const axis = { color: muted, gridcolor: line, linecolor: line, zeroline: false, automargin: true };
    const layout = resolve(chart.layout, styles);
    return {
      data: resolve(data, styles),
      layout: {
        ...layout,
        font: { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size, color: ink },
        margin: width ? { l: 40, r: layout.margin?.r ?? 8, t: 6, b: 34 } : { l: 55, r: 14, t: 34, b: 50, ...layout.margin },
        paper_bgcolor: paper,
        plot_bgcolor: paper,
        xaxis: { ...axis, ...layout.xaxis, title: { font: { size }, standoff: 8, ...layout.xaxis.title } },
        yaxis: { ...axis, ...layout.yaxis, title: { font: { size }, standoff: 8, ...layout.yaxis.title } },
        legend: { tracegroupgap: width ? 0 : 10, orientation: "h", xref: "container", yref: "container", y: 0, yanchor: "bottom", x: 0, font: { size: width ? 8 : 11 }, ...layout.legend },
        hoverlabel: { bgcolor: paper, bordercolor: line, font: { color: ink, size: 13 }, align: "left" },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: muted, activecolor: ink, orientation: "h" },
        dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", // fingers scroll the page
        ...(width ? { autosize: false, width, height: Math.round(layout.height * ON_PAPER) } : { autosize: true }),
      },
    };
  };

  const save = (chart, data, format) => {
    const figure = dress(chart, data, true);
    figure.layout.autosize = false;
    figure.layout.width = 760;
    const scale = format === "png" ? 3 : 1;
    Plotly.downloadImage({ ...figure, config: { typesetMath: false } }, { format, scale, width: 760, height: chart.layout.height, filename: chart.file });
  };

  const chosen = {}; // by id of a chart with choices
  const dataOf = (id) => charts[id].data ?? charts[id].choices[chosen[id] ?? Object.keys(charts[id].choices)[0]];

  const draw = (id) => {
    const element = document.getElementById(id);
    const chart = charts[id];
    const { data, layout } = dress(chart, dataOf(id), isPrinting, isPrinting ? element.clientWidth : 0);
    const button = (format, icon) => ({
      name: `Download as ${format.toUpperCase()}`,
      title: `Download as ${format.toUpperCase()}`,
      icon,
      click: () => save(chart, dataOf(id), format),
    });
    return Plotly.react(element, data, layout, {
      responsive: true,
      typesetMath: false, // a $ in a name is a $
      displaylogo: false,
      displayModeBar: true,
      modeBarButtons: [["resetScale2d"], [button("svg", Plotly.Icons.disk), button("png", Plotly.Icons.camera)]],
    });
  };
  const drawAll = () => Object.keys(charts).forEach(draw);

  document.querySelectorAll("select[data-chart]").forEach((select) => {
    chosen[select.dataset.chart] = select.value;
    select.addEventListener("change", () => {
      chosen[select.dataset.chart] = select.value;
      draw(select.dataset.chart);
    });
  });
  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  const setPrinting = (whether) => {
    isPrinting = whether;
    document.documentElement.classList.toggle("printing", whether);
    drawAll();
  };
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
})();
