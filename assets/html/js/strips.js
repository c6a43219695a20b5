// The distribution of the rounds of a case: every round a dot over a box of all of them.

const ROW = 48;

/** The cases of a strip plot: the best of each backend, or all with one count. */
function stripCases(job, state) {
  const visible = job.series.map((series, index) => ({ series, index })).filter(({ series }) => !state.hidden.has(series.name));
  return visible.map(({ series, index }) => {
    const own = series.cases.map((number) => cases[number]);
    const c = state.strip === "best" ? cases[series.best] : own.find((c) => String(c.nthread) === state.strip);
    return c && { c, series, index };
  }).filter(Boolean);
}

function stripFigure(job, state, redraw) {
  const usesRatios = cases.some((c) => c.ratios?.length > 0);
  const kind = usesRatios
    ? { title: "Distribution of the speedups", values: (c) => c.ratios, box: (c) => c.ratio_box, of: speedupOf, units: RATIO, what: "pair" }
    : { title: "Distribution of the times", values: (c) => c.round_ns, box: (c) => c.round_box, of: timeOf, units: TIMES, what: "round" };
  const counts = d3.sort(new Set(job.series.flatMap((series) => series.cases.map((index) => cases[index].nthread))));
  const options = [["best", `the best count of each ${job.words.one}`], ...counts.map((n) => [String(n), `n = ${n}`])];
  const select = element("select", { onchange: (event) => { state.strip = event.target.value; redraw(); } },
    ...options.map(([value, text]) => element("option", { value, selected: value === state.strip }, text)));
  const place = element("div", { class: "drawing" });
  const figure = element("figure", { id: "figure-strips" },
    element("figcaption", {}, element("h3", {}, kind.title),
      element("p", { class: "muted" }, `every ${kind.what} a dot; the box from hinge to hinge, the stroke the median, the bar below its interval`),
      element("label", { class: "choice muted" }, "of ", select)), place);
  const rows = stripCases(job, state).filter(({ c }) => kind.box(c));
  const unit = fitting(kind.units, d3.median(rows, ({ c }) => kind.of(c).value) ?? 0);
  return { figure, draw: () => drawStrips(place, kind, rows, unit), table: () => stripTable(kind, job.words.one, rows, unit) };
}

function drawStrips(place, kind, rows, unit) {
  place.replaceChildren();
  if (rows.length === 0) return void place.append(element("p", { class: "muted" }, "No rounds of these."));
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = rows.length * ROW + 34;
  const all = rows.flatMap(({ c }) => [...kind.values(c), ...kind.box(c), kind.of(c).low, kind.of(c).high]).filter(isNumber);
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", `${kind.title}; arrow keys move from case to case`);
  const x = d3.scaleLinear().domain(d3.extent(all, (value) => value / unit.size)).nice().range([10, width - 26]);
  const axis = svg.append("g").attr("class", "axis").attr("aria-hidden", "true");
  for (const tick of x.ticks(Math.max(2, Math.floor(width / 90)))) {
    axis.append("line").attr("x1", x(tick)).attr("x2", x(tick)).attr("y1", 4).attr("y2", height - 28);
    axis.append("text").attr("x", x(tick)).attr("y", height - 14).attr("text-anchor", "middle").text(tickText(tick));
  }
  // Text can be measured only where it is shown.
  place.append(svg.node());
  const marks = rows.map((row, order) => drawStrip(svg, kind, row, order, unit, x, width));
  readable(place, svg, marks, 4 * width);
}

function drawStrip(svg, kind, { c, series, index }, order, unit, x, width) {
  const style = look(index);
  const at = (value) => x(value / unit.size);
  const [least, low, middle, high, most] = kind.box(c);
  const triple = kind.of(c);
  const y = order * ROW + 30;
  const layer = svg.append("g").attr("class", "strip");
  fittedText(layer.append("text").attr("class", "name").attr("x", 4).attr("y", y - 12), `${series.name}, n = ${c.nthread}`, width - 8);
  layer.append("path").attr("class", "box").attr("d", `M${at(least)},${y}H${at(most)}`);
  layer.append("rect").attr("class", "box").attr("x", at(low)).attr("y", y - 6).attr("width", Math.max(1, at(high) - at(low))).attr("height", 12);
  const dots = kind.values(c).map((value, i) => `M${at(value).toFixed(1)},${(y + (((i * 0.618034) % 1) - 0.5) * 9).toFixed(1)}h0`);
  layer.append("path").attr("class", "rounds").style("stroke", style.colour).style("opacity", 0.6).attr("d", dots.join("") || null);
  layer.append("path").attr("d", `M${at(middle)},${y - 8}V${y + 8}`).style("stroke", "var(--ink)").style("stroke-width", 2);
  if (hasInterval(triple)) {
    layer.append("path").attr("d", `M${at(triple.low)},${y + 10}H${at(triple.high)}`).style("stroke", style.colour).style("stroke-width", 3);
  }
  const lines = [valueText(triple, unit), `half of them ${intervalText({ low, high }, unit)}, all ${intervalText({ low: least, high: most }, unit)}`];
  return { node: layer.node(), x: at(middle), y, row: order, column: 0, title: `${series.name}, n = ${c.nthread}`, lines };
}

function stripTable(kind, one, rows, unit) {
  const names = ["least", "lower hinge", "median", "upper hinge", "most"].map((name) => ({ name, number: true }));
  const columns = [{ name: one }, { name: "n", number: true }, ...names];
  return plainTable(`${kind.title} (${unit.name})`, columns,
    rows.map(({ c, series }) => [series.name, `${c.nthread}`, ...kind.box(c).map((value) => inUnit(value, unit))]));
}
