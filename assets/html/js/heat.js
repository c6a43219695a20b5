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
      add(cases[series.cases[0]].title, series.cases.map((i) => cell(cases[i], cases[i].inner_nthread, `${cases[i].inner_nthread} inside`)));
    }
    return { maps, rows: "threads inside each worker" };
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
      element("p", { class: "muted" }, `threads across, ${found.rows} up; blue: faster than ${job.words.baseline_short}, red: slower`),
      element("label", { class: "choice muted" }, "of ", select)), place);
  const cells = found.maps.get(backend).filter(({ c }) => isNumber(c.speedup));
  const columns = [{ name: "row" }, { name: "n", number: true }, { name: "speedup", number: true }, { name: "interval", number: true }];
  const unit = { name: "×", size: 1 };
  const rows = () => cells.map(({ c, rowName }) => [rowName, `${c.nthread}`, inUnit(c.speedup, unit), intervalText(speedupOf(c), unit)]);
  return { figure, draw: () => drawHeat(place, cells, backend), table: () => plainTable(`Speedup of ${backend}`, columns, rows()) };
}

function drawHeat(place, cells, backend) {
  place.replaceChildren();
  if (cells.length === 0) return void place.append(element("p", { class: "muted" }, "No speedups."));
  const width = Math.max(260, Math.floor(place.clientWidth));
  const names = new Map(cells.map((cell) => [cell.row, cell.rowName]));
  const rows = d3.sort(names.keys()).reverse();
  const columns = d3.sort(new Set(cells.map((cell) => cell.column)));
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
  label(width - 8, height - 5, "end", "threads");
  const marks = cells.map(({ c, row, rowName, column }) => {
    const node = svg.append("rect").attr("class", "cell").attr("x", x(column)).attr("y", y(row))
      .attr("width", x.bandwidth()).attr("height", y.bandwidth()).style("fill", colour(c.speedup));
    const [px, py] = [x(column) + x.bandwidth() / 2, y(row) + y.bandwidth() / 2];
    if (x.bandwidth() >= 36) {
      const dark = d3.lab(colour(c.speedup)).l < 55;
      label(px, py + 4, "middle", digits(c.speedup)).style("fill", dark ? "#ffffff" : "#111111");
    }
    return { node: node.node(), x: px, y: py, row: -rows.indexOf(row), column, title: `${backend}, ${rowName}, n = ${column}`, lines: [valueText(speedupOf(c), { name: "×", size: 1 })] };
  });
  readable(place, svg, marks);
}
