// The distribution of the rounds of a case: every round a dot over a box of all of them.

const ROW = 48;

/** The cases of a strip plot: the best of each backend, or all with one count. */
function stripRows(job, figure, state) {
  const boxes = new Map(job.strips.boxes);
  const isShown = (point) => (state.strip === "best" ? job.best.includes(point.case) : String(point.n) === state.strip);
  return shownPoints(figure, job, state).filter((point) => isShown(point) && boxes.has(point.case))
    .map((point) => ({ ...point, name: job.series[point.index], box: boxes.get(point.case) }));
}

function stripFigure(job, state, redraw) {
  const { title, one } = job.strips;
  const figure = job.figures.find(({ id }) => id === job.strips.figure);
  if (!figure) return null;
  const options = [["best", `the best count of each ${job.one}`], ...figure.x[0].ticks.map(([n]) => [String(n), `n = ${n}`])];
  const select = element("select", { onchange: (event) => { state.strip = event.target.value; redraw(); } },
    ...options.map(([value, text]) => element("option", { value, selected: value === state.strip }, text)));
  const place = element("div", { class: "drawing" });
  const node = element("figure", { id: "figure-strips" },
    element("figcaption", {}, element("h3", {}, title),
      element("p", { class: "muted" }, `every ${one} a dot; the box from hinge to hinge, the stroke the median, the bar below its interval`),
      element("label", { class: "choice muted" }, "of ", select)), place);
  const rows = stripRows(job, figure, state);
  return { figure: node, draw: () => drawStrips(place, title, rows, figure.unit), table: () => stripTable(title, job.one, rows, figure.unit) };
}

function drawStrips(place, title, rows, unit) {
  place.replaceChildren();
  if (rows.length === 0) return void place.append(element("p", { class: "muted" }, "No rounds of these."));
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = rows.length * ROW + 34;
  const all = rows.flatMap(({ rounds, box, low, high }) => [...rounds, ...box, low, high]).filter(isNumber);
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", `${title}; arrow keys move from case to case`);
  const x = d3.scaleLinear().domain(d3.extent(all, (value) => value / unit.size)).nice().range([10, width - 26]);
  const axis = svg.append("g").attr("class", "axis").attr("aria-hidden", "true");
  for (const tick of x.ticks(Math.max(2, Math.floor(width / 90)))) {
    axis.append("line").attr("x1", x(tick)).attr("x2", x(tick)).attr("y1", 4).attr("y2", height - 28);
    axis.append("text").attr("x", x(tick)).attr("y", height - 14).attr("text-anchor", "middle").text(grouped(String(Number(tick.toPrecision(6)))));
  }
  // Text can be measured only where it is shown.
  place.append(svg.node());
  const marks = rows.map((row, order) => drawStrip(svg, row, order, unit, x, width));
  readable(place, svg, marks, 4 * width);
}

function drawStrip(svg, row, order, unit, x, width) {
  const style = look(row.index);
  const at = (value) => x(value / unit.size);
  const [least, low, middle, high, most] = row.box;
  const y = order * ROW + 30;
  const title = `${row.name}, n = ${row.n}`;
  const layer = svg.append("g").attr("class", "strip");
  fittedText(layer.append("text").attr("class", "name").attr("x", 4).attr("y", y - 12), title, width - 8);
  layer.append("path").attr("class", "box").attr("d", `M${at(least)},${y}H${at(most)}`);
  layer.append("rect").attr("class", "box").attr("x", at(low)).attr("y", y - 6).attr("width", Math.max(1, at(high) - at(low))).attr("height", 12);
  const dots = row.rounds.map((value, i) => `M${at(value).toFixed(1)},${(y + (((i * 0.618034) % 1) - 0.5) * 9).toFixed(1)}h0`);
  layer.append("path").attr("class", "rounds").style("stroke", style.colour).style("opacity", 0.6).attr("d", dots.join("") || null);
  layer.append("path").attr("d", `M${at(middle)},${y - 8}V${y + 8}`).style("stroke", "var(--ink)").style("stroke-width", 2);
  if (hasInterval(row)) {
    layer.append("path").attr("d", `M${at(row.low)},${y + 10}H${at(row.high)}`).style("stroke", style.colour).style("stroke-width", 3);
  }
  const lines = [valueText(row, unit), `half of them ${intervalText({ low, high }, unit)}, all ${intervalText({ low: least, high: most }, unit)}`];
  return { node: layer.node(), x: at(middle), y, row: order, column: 0, title, lines };
}

function stripTable(title, one, rows, unit) {
  const names = ["least", "lower hinge", "median", "upper hinge", "most"].map((name) => ({ name, number: true }));
  const columns = [{ name: one }, { name: "n", number: true }, ...names];
  return plainTable(`${title} (${unit.name})`, columns, rows.map(({ name, n, box }) => [name, `${n}`, ...box.map((value) => inUnit(value, unit))]));
}
