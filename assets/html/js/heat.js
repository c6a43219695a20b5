// A map of the speedup where there are two axes: threads, and threads inside each worker or the
// size of the job.

/** The cells of a map for each backend, or null where there is only one axis. */
function heatMaps(job) {
  const cell = (c, row, rowName) => ({ c, column: c.nthread, row, rowName });
  const inner = new Set(job.series.flatMap((series) => series.cases.map((index) => cases[index].inner_nthread)));
  const maps = new Map();
  const add = (backend, cells) => maps.set(backend, [...(maps.get(backend) ?? []), ...cells]);
  if (inner.size > 1) {
    for (const series of job.series) {
      add(cases[series.cases[0]].title, series.cases.map((i) => cell(cases[i], cases[i].inner_nthread, `× ${cases[i].inner_nthread} inside`)));
    }
    return { maps, rows: "threads inside each worker", inner: true };
  }
  const alike = data.jobs.filter((other) => other.kernel === job.kernel && other.pin === job.pin && other.is_weak === job.is_weak);
  if (new Set(alike.map((other) => other.draws)).size < 2) return null;
  for (const other of d3.sort(alike, (other) => other.draws)) {
    for (const series of other.series) add(series.name, series.cases.map((i) => cell(cases[i], other.draws, `${sizeText(other.draws)} draws`)));
  }
  return { maps, rows: "draws of a call" };
}

/** A size of a job in few letters: a power of two as such. */
function sizeText(draws) {
  const power = Math.log2(draws);
  return Number.isInteger(power) && power > 9 ? `2^${power}` : grouped(String(draws));
}

function heatFigure(job, state, redraw) {
  const found = heatMaps(job);
  if (!found) return null;
  const backends = [...found.maps.keys()];
  const backend = backends.includes(state.heat) ? state.heat : backends[0];
  const select = element("select", { onchange: (event) => { state.heat = event.target.value; redraw(); } },
    ...backends.map((name) => element("option", { value: name, selected: name === backend }, name)));
  const place = element("div", { class: "drawing" });
  const figure = element("figure", { id: "figure-heat" },
    element("figcaption", {}, element("h3", {}, "Map of the speedup"),
      element("p", { class: "muted" }, `${found.inner ? "workers" : "threads"} across, ${found.rows} up; blue: faster than ${job.words.baseline_short}, red: slower`),
      found.inner ? element("p", { class: "muted" }, `outlined: as many threads as usable CPUs; hatched, marked *: more; ●: the best; –: no data`) : "",
      element("label", { class: "choice muted" }, "of ", select)), place);
  const all = found.maps.get(backend);
  const cells = all.filter(({ c }) => isNumber(c.speedup));
  const columns = [{ name: "row" }, { name: "n", number: true }, { name: "speedup", number: true }, { name: "interval", number: true }];
  const unit = { name: "×", size: 1 };
  const rows = () => cells.map(({ c, rowName }) => [rowName, `${c.nthread}`, inUnit(c.speedup, unit), intervalText(speedupOf(c), unit)]);
  return { figure, draw: () => drawHeat(place, cells, backend, found.inner ? all : null), table: () => plainTable(`Speedup of ${backend}`, columns, rows()) };
}

/** The best of the cells; one with more threads than CPUs must be better beyond its interval. */
function bestCell(cells) {
  const best = d3.greatest(cells, ({ c }) => c.speedup);
  const modest = d3.greatest(cells.filter(({ c }) => !c.oversubscribed), ({ c }) => c.speedup);
  const isTold = best?.c.oversubscribed && isNumber(modest?.c.speedup_high) && modest.c.speedup_high < best.c.speedup_low;
  return modest && !isTold ? modest : best;
}

/** What pairs of counts are, over their cells: slanting lines where there are too many threads, a frame where there is one for each CPU, a dot on the best. */
function markPairs(svg, x, y, all, cells) {
  const [wide, high] = [x.bandwidth(), y.bandwidth()];
  // Four lines from edge to edge, as in the figure beside this page.
  const slant = (left, top) => d3.range(4).map((line) => {
    const start = left - high + (wide + high) * (line + 0.5) / 4;
    const [from, to] = [Math.max(start, left), Math.min(start + high, left + wide)];
    return `M${from},${top + high - from + start}L${to},${top + high - to + start}`;
  }).join("");
  const best = bestCell(cells);
  const over = (kind, cell) => svg.append("rect").attr("class", kind).attr("x", x(cell.column) + 1.5).attr("y", y(cell.row) + 1.5)
    .attr("width", wide - 3).attr("height", high - 3).attr("pointer-events", "none").style("fill", "none");
  for (const cell of all) {
    if (cell.c.oversubscribed) svg.append("path").attr("class", "crowded").attr("d", slant(x(cell.column), y(cell.row)))
      .attr("pointer-events", "none").style("stroke", "#777777").style("stroke-opacity", 0.5);
    if (data.usable_cpus && cell.column * cell.row === data.usable_cpus) over("full", cell).style("stroke", "#111111").style("stroke-width", 2.5);
    if (cell === best) svg.append("circle").attr("class", "best").attr("cx", x(cell.column) + wide - 8).attr("cy", y(cell.row) + 8).attr("r", 4)
      .attr("pointer-events", "none").style("fill", "#d55e00").style("stroke", "#ffffff");
  }
}

/** `all` has the cells without data, too, where the rows are threads inside each worker. */
function drawHeat(place, cells, backend, all) {
  place.replaceChildren();
  if (cells.length === 0) return void place.append(element("p", { class: "muted" }, "No speedups."));
  const width = Math.max(260, Math.floor(place.clientWidth));
  const names = new Map((all ?? cells).map((cell) => [cell.row, cell.rowName]));
  const rows = d3.sort(names.keys()).reverse();
  const columns = d3.sort(new Set((all ?? cells).map((cell) => cell.column)));
  const left = 12 + 7 * d3.max(names.values(), (name) => name.length);
  const height = rows.length * 30 + 40;
  const x = d3.scaleBand(columns, [left, width - 8]);
  const y = d3.scaleBand(rows, [4, height - 36]);
  // As far from white on either side of 1 as the ratio says: 2 is as blue as ½ is red.
  const most = Math.max(2, d3.max(cells, ({ c }) => Math.max(c.speedup, 1 / c.speedup)));
  const colour = d3.scaleDivergingLog([1 / most, 1, most], d3.interpolateRdBu);
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", `Speedup of ${backend} against threads; arrow keys move from cell to cell`);
  const label = (px, py, anchor, text) => svg.append("text").attr("x", px).attr("y", py).attr("text-anchor", anchor).attr("aria-hidden", "true").text(text);
  rows.forEach((row) => label(left - 6, y(row) + y.bandwidth() / 2 + 4, "end", names.get(row)));
  spaced(columns, (n) => x(n), 26).forEach((n) => label(x(n) + x.bandwidth() / 2, height - 20, "middle", tickText(n)));
  label(width - 8, height - 5, "end", all ? "workers" : "threads");
  const marks = cells.map(({ c, row, rowName, column }) => {
    const node = svg.append("rect").attr("class", "cell").attr("x", x(column)).attr("y", y(row))
      .attr("width", x.bandwidth()).attr("height", y.bandwidth()).style("fill", colour(c.speedup));
    const [px, py] = [x(column) + x.bandwidth() / 2, y(row) + y.bandwidth() / 2];
    const time = all && isNumber(c.median_ns) ? [valueText(timeOf(c), fitting(TIMES, c.median_ns))] : [];
    const crowd = all && c.oversubscribed ? ["more threads than CPUs"] : [];
    const title = all ? `${backend}, n = ${column} × ${row}` : `${backend}, ${rowName}, n = ${column}`;
    return { node: node.node(), x: px, y: py, row: -rows.indexOf(row), column, c, title, lines: [valueText(speedupOf(c), { name: "×", size: 1 }), ...time, ...crowd] };
  });
  if (all) markPairs(svg, x, y, all, cells);
  for (const { x: px, y: py, c } of marks.filter(() => x.bandwidth() >= 36)) {
    const dark = d3.lab(colour(c.speedup)).l < 55;
    label(px, py + 4, "middle", `${digits(c.speedup)}${all && c.oversubscribed ? "*" : ""}`).style("fill", dark ? "#ffffff" : "#111111");
  }
  const places = columns.flatMap((column) => rows.map((row) => ({ column, row })));
  const isEmpty = (at) => !cells.some((cell) => cell.column === at.column && cell.row === at.row);
  for (const at of all ? places.filter(isEmpty) : []) label(x(at.column) + x.bandwidth() / 2, y(at.row) + y.bandwidth() / 2 + 4, "middle", "–");
  readable(place, svg, marks);
}
