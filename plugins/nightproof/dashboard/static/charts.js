// Charts: draws the figures of a page with Plotly, each when it comes into view, in the page's own colours and fonts.
// Without this script, or without Plotly, the table below each chart says the same.
(() => {
  const library = new URL("plotly.js", document.currentScript.src).href;
  const DAY = 864e5;
  const SIGNS = {
    r: { symbol: "x", colour: "var(--bad)", name: "Regression", sign: "✖", size: 9 },
    w: { symbol: "triangle-up", colour: "var(--warn)", name: "Watch", sign: "▲", size: 8 },
    i: { symbol: "circle-open", colour: "var(--idle)", name: "Too little data", sign: "○", size: 9 },
  };
  let loading = null;

  const load = () => loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = library;
    script.onload = () => done(window.Plotly);
    script.onerror = failed;
    document.head.append(script);
  });

  // --- Numbers and texts ---------------------------------------------------------------------------------
  const number = (value, percent) => {
    if (value === null || value === undefined) return "–";
    if (percent) return `${(100 * value).toFixed(2)} %`;
    const size = Math.abs(value);
    const text = size >= 1000 ? Math.round(value).toLocaleString("en") : size >= 100 ? value.toFixed(1) : size && size < 1e-3 ? value.toPrecision(3) : value.toFixed(4);
    return text.replace("-", "−");
  };
  const dayOf = (first, place) => new Date(Date.parse(`${first}T00:00:00Z`) + place * DAY).toISOString().slice(0, 10);

  const hover = (trace, place, heading) => {
    const { low, high, n, status, percent } = trace.told;
    const value = (trace.orientation === "h" || trace.x ? trace.x : trace.y)[place];
    const lines = [`<b>${heading}</b> ${number(value, percent)}`];
    if (low[place] !== null && high[place] !== null) lines.push(`95 % interval ${number(low[place], percent)} to ${number(high[place], percent)}`);
    if (n[place] !== null) lines.push(`n = ${n[place].toLocaleString("en")}`);
    if (SIGNS[status[place]]) lines.push(`${SIGNS[status[place]].sign} ${SIGNS[status[place]].name}`);
    return lines.join("<br>");
  };

  // --- A series by night: its band, its marks, its texts -------------------------------------------------
  const band = (trace) => {
    const { low, high } = trace.told;
    const x = [], y = [];
    const close = (from, to) => {
      for (let i = from; i < to; i++) { x.push(dayOf(trace.x0, i)); y.push(low[i]); }
      for (let i = to - 1; i >= from; i--) { x.push(dayOf(trace.x0, i)); y.push(high[i]); }
      x.push(null); y.push(null);
    };
    // A second series has a band of its own colour, or nobody could tell whose it is.
    const other = trace.line.color !== "var(--series)";
    const colour = other ? trace.line.color : "var(--band)";
    let from = null;
    for (let i = 0; i <= low.length; i++) {
      const there = i < low.length && low[i] !== null && high[i] !== null;
      if (there && from === null) from = i;
      if (!there && from !== null) { close(from, i); from = null; }
    }
    return { type: "scatter", mode: "lines", x, y, fill: "toself", name: "95 % interval", hoverinfo: "skip", opacity: other ? .25 : .5,
      fillcolor: colour, line: { width: 3, color: colour, simplify: false }, legendgroup: "band" };
  };

  const byNight = (trace, width) => {
    const { status } = trace.told;
    // Marks of nights that are close to each other would hide the line.
    const apart = width / trace.y.length;
    const small = apart > 8 ? 5 : apart > 5 ? 3.5 : 2.5;
    const shown = trace.y.map((value, i) => value !== null ? hover(trace, i, trace.name) : "");
    const made = trace.told.band === false || trace.told.low.every((end) => end === null) ? [] : [band(trace)];
    const main = { ...trace, text: shown, hovertemplate: "%{text}<extra></extra>", connectgaps: false,
      marker: { size: small, color: trace.line.color }, line: { ...trace.line, width: apart > 5 ? trace.line.width : 1.2 } };
    delete main.told;
    made.push(main);
    for (const [code, sign] of Object.entries(SIGNS)) {
      const at = [...status].flatMap((found, i) => found === code && trace.y[i] !== null ? [i] : []);
      // Rings around nights that lie close would hide the line; the text on hover tells of them all the same.
      if (at.length && (code !== "i" || apart > 8)) made.push({ type: "scatter", mode: "markers", name: sign.name, hoverinfo: "skip", x: at.map((i) => dayOf(trace.x0, i)),
        y: at.map((i) => trace.y[i]), marker: { symbol: sign.symbol, size: apart > 5 ? sign.size : sign.size - 2, color: sign.colour }, legendgroup: code });
    }
    return made;
  };

  const byGroup = (trace) => {
    const { low, high, names, status } = trace.told;
    const ends = (i) => low[i] !== null && high[i] !== null && trace.x[i] !== null;
    const codes = [...status];
    return [{ ...trace, told: undefined, text: names.map((name, i) => hover(trace, i, name)), hovertemplate: "%{text}<extra></extra>",
      marker: { size: 9, color: codes.map((c) => SIGNS[c] ? SIGNS[c].colour : "var(--series)"), symbol: codes.map((c) => SIGNS[c] ? SIGNS[c].symbol : "circle") },
      error_x: { type: "data", symmetric: false, array: trace.x.map((x, i) => ends(i) ? high[i] - x : 0),
        arrayminus: trace.x.map((x, i) => ends(i) ? x - low[i] : 0), color: "var(--soft)", thickness: 1.5, width: 4 } }];
  };

  const grid = (trace) => {
    const text = trace.z.map((row, place) => row.map((value, i) => `<b>${dayOf(trace.x0, i)}</b><br>${trace.rows[place]}<br>${trace.of} ${number(value)}`));
    return [{ ...trace, text, hovertemplate: "%{text}<extra></extra>", hoverongaps: false }];
  };

  const counts = (trace) => [{ ...trace, hovertemplate: "<b>%{fullData.name}</b> %{y:,}<extra></extra>" }];

  const expand = (trace, width) => trace.told ? (trace.x ? byGroup(trace) : byNight(trace, width))
    : trace.type === "heatmap" && trace.rows ? grid(trace) : trace.count ? counts(trace) : [trace];

  // One entry in the legend for all bands, and one for each status.
  const legend = (traces) => {
    const seen = new Set();
    for (const trace of traces) {
      if (!trace.legendgroup) continue;
      if (seen.has(trace.legendgroup)) trace.showlegend = false;
      seen.add(trace.legendgroup);
    }
    return traces;
  };

  // --- Colours, fonts, layout ----------------------------------------------------------------------------
  const resolved = (value, style) => {
    if (typeof value === "string") {
      const token = /^var\((--[\w-]+)\)$/.exec(value);
      return token ? style.getPropertyValue(token[1]).trim() : value;
    }
    if (Array.isArray(value)) return typeof value[0] === "number" && typeof value.at(-1) === "number" ? value : value.map((part) => resolved(part, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolved(part, style)]));
    return value;
  };

  const axis = { gridcolor: "var(--line)", linecolor: "var(--line)", zerolinecolor: "var(--line)", automargin: true, fixedrange: true, title: { standoff: 8 } };
  const merged = (below, above) => {
    const made = { ...below };
    for (const [key, value] of Object.entries(above ?? {}))
      made[key] = value && typeof value === "object" && !Array.isArray(value) ? merged(made[key] ?? {}, value) : value;
    return made;
  };
  // Beside a legend, names above the plot need a line of their own.
  const around = (figure, font, narrow, named = (figure.layout.annotations ?? []).length > 0) => merged({
    autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: font, size: 12, color: "var(--soft)" },
    margin: { l: 44, r: narrow ? 8 : 16, t: figure.layout.showlegend && named ? 50 : figure.layout.showlegend || named ? 30 : 12, b: 34 },
    showlegend: false, legend: { orientation: "h", x: 0, xanchor: "left", ...narrow ? { y: 0, yref: "container", yanchor: "bottom" } : { y: 1, yref: "container", yanchor: "top" }, font: { size: 11 }, itemclick: false, itemdoubleclick: false },
    hovermode: "x", hoverdistance: 40, hoverlabel: { bgcolor: "var(--ink)", bordercolor: "var(--ink)", font: { family: font, color: "var(--paper)", size: 12 }, align: "left" },
    xaxis: axis, yaxis: axis, dragmode: false,
    yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
  }, figure.layout);

  const drawn = new Map();
  const draw = async (plot) => {
    const figure = drawn.get(plot) ?? JSON.parse(plot.parentElement.querySelector("script.figure").textContent);
    drawn.set(plot, figure);
    const Plotly = await load();
    const style = getComputedStyle(document.documentElement);
    const layout = around(figure, getComputedStyle(document.body).fontFamily, plot.clientWidth < 480);
    delete layout.nights;
    // On a phone versions keep their mark and its text, and lose the name beside it.
    if (figure.layout.nights && plot.clientWidth < 480) layout.annotations = [];
    if (figure.layout.nights) {
      layout.xaxis.hoverformat = "%a %Y-%m-%d";
      layout.xaxis.tickformat = figure.layout.nights > 400 ? "%b %Y" : figure.layout.nights > 14 ? "%-d %b\n%Y" : "%a %-d %b";
      if (figure.layout.nights <= 14) layout.xaxis.dtick = DAY * Math.ceil(figure.layout.nights / (plot.clientWidth < 480 ? 4 : 8));
      if (figure.layout.nights <= 14) layout.xaxis.tick0 = layout.xaxis.range[1].slice(0, 10);
      layout.xaxis.nticks = Math.max(3, Math.floor(plot.clientWidth / 90));
    }
    const data = legend(structuredClone(figure.data).flatMap((trace) => expand(trace, plot.clientWidth)));
    await Plotly.react(plot, resolved(data, style), resolved(layout, style), { responsive: true, displayModeBar: false, displaylogo: false, showTips: false, plotlyServerURL: "" });
    if (!plot.dataset.drawn) {
      plot.dataset.drawn = "yes";
      plot.on("plotly_click", (event) => {
        const point = event.points[0];
        const links = point.data.links;
        if (links && Array.isArray(point.pointNumber) && /^\/[^/\\]/.test(links[point.pointNumber[0]])) location.assign(`${links[point.pointNumber[0]]}${dayOf(point.data.x0, point.pointNumber[1])}`);
      });
    }
  };
  const tried = (plot) => draw(plot).catch((error) => {
    if (plot.dataset.failed) return;
    plot.dataset.failed = "yes";
    plot.textContent = "This chart could not be drawn; the table below has its numbers.";
    plot.parentElement.querySelector("details.numbers")?.setAttribute("open", "");
    console.error(error);
  });

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); tried(entry.target); }
  }, { rootMargin: "300px" });
  const observe = () => { for (const plot of document.querySelectorAll("figure.chart .plot:not([data-seen])")) { plot.dataset.seen = "yes"; seen.observe(plot); } };
  observe();
  document.addEventListener("chartsadded", observe);

  const again = () => { for (const plot of drawn.keys()) tried(plot); };
  document.addEventListener("themechange", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  // On paper there is no scrolling: everything is drawn.
  addEventListener("beforeprint", () => { for (const plot of document.querySelectorAll("figure.chart .plot")) tried(plot); });
})();
