// Maps of cells: the speedup over two axes, and the winners.

/** A grid of cells with the labels of its rows and columns. `rows` are labels, from below. */
function cellGrid(place, rows, counts, left, xName, label) {
  place.replaceChildren();
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = rows.length * 30 + 40;
  const x = d3.scaleBand(counts, [left, width - 8]);
  const y = d3.scaleBand(d3.range(rows.length).reverse(), [4, height - 36]);
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", `${label}; arrow keys move from cell to cell`);
  // Text can be measured only where it is shown.
  place.append(svg.node());
  const text = (px, py, anchor, words) => svg.append("text").attr("x", px).attr("y", py).attr("text-anchor", anchor).attr("aria-hidden", "true").text(words);
  rows.forEach((name, row) => text(left - 6, y(row) + y.bandwidth() / 2 + 4, "end", name));
  spaced(counts, (n) => x(n), 26).forEach((n) => text(x(n) + x.bandwidth() / 2, height - 20, "middle", String(n)));
  text(width - 8, height - 5, "end", xName);
  const cell = (row, n) => svg.append("rect").attr("class", "cell").attr("x", x(n)).attr("y", y(row)).attr("width", x.bandwidth()).attr("height", y.bandwidth());
  return { svg, width, text, cell, wide: x.bandwidth(), high: y.bandwidth(), at: (row, n) => [x(n), y(row)], middle: (row, n) => [x(n) + x.bandwidth() / 2, y(row) + y.bandwidth() / 2] };
}

function heatFigure(job, state, redraw) {
  const heat = job.heat;
  if (!heat) return null;
  const panel = heat.panels.find(({ name }) => name === state.heat) ?? heat.panels[0];
  const select = element("select", { onchange: (event) => { state.heat = event.target.value; redraw(); } },
    ...heat.panels.map(({ name }) => element("option", { value: name, selected: name === panel.name }, name)));
  const place = element("div", { class: "drawing" });
  const figure = element("figure", { id: "figure-heat" },
    element("figcaption", {}, element("h3", {}, "Map of the speedup"),
      element("p", { class: "muted" }, `${heat.subtitle}; lighter: faster`),
      element("p", { class: "muted" }, `outlined: as many threads as the ${heat.cpus}; hatched, marked *: more; ●: the best; –: no data`),
      element("label", { class: "choice muted" }, "of ", select)), place);
  const columns = [{ name: "row" }, { name: "n", number: true }, { name: "speedup", number: true }, { name: "interval", number: true }];
  const rows = () => panel.rows.flatMap(([label, cells]) => cells.map((cell, column) => [label, `${panel.counts[column]}`, cell ? inUnit(cell.speedup, RATIO) : "–", cell ? intervalText(range(cell), RATIO) : ""]));
  return { figure, draw: () => drawHeat(place, heat, panel), table: () => plainTable(`Speedup of ${panel.name}`, columns, rows()) };
}

const RATIO = { name: "×", size: 1 };
const range = ({ interval }) => ({ low: interval?.[0], high: interval?.[1] });

/** Four slanting lines from edge to edge of a cell. */
const slant = (left, top, wide, high) => d3.range(4).map((line) => {
  const start = left - high + (wide + high) * (line + 0.5) / 4;
  const [from, to] = [Math.max(start, left), Math.min(start + high, left + wide)];
  return `M${from},${top + high - from + start}L${to},${top + high - to + start}`;
}).join("");

function drawHeat(place, heat, panel) {
  const labels = panel.rows.map(([label]) => label);
  const grid = cellGrid(place, labels, panel.counts, 12 + 7 * d3.max(labels, (label) => label.length), heat.x_name, `Speedup of ${panel.name}`);
  const marks = panel.rows.flatMap(([label, cells], row) => cells.map((cell, column) => {
    const n = panel.counts[column];
    const [[left, top], [x, y]] = [grid.at(row, n), grid.middle(row, n)];
    if (!cell?.colour) { grid.text(x, y + 4, "middle", "–"); return null; }
    const colour = d3.rgb(...cell.colour);
    const node = grid.cell(row, n).style("fill", String(colour)).node();
    const over = (kind) => grid.svg.append(kind).attr("pointer-events", "none").style("fill", "none");
    if (cell.is_oversubscribed) over("path").attr("class", "crowded").attr("d", slant(left, top, grid.wide, grid.high)).style("stroke", "#777777").style("stroke-opacity", 0.5);
    if (cell.is_full) over("rect").attr("class", "full").attr("x", left + 1.5).attr("y", top + 1.5).attr("width", grid.wide - 3).attr("height", grid.high - 3).style("stroke", "#d55e00").style("stroke-width", 2.5);
    if (cell.is_best) over("circle").attr("class", "best").attr("cx", left + grid.wide - 8).attr("cy", top + 8).attr("r", 4).style("fill", "#d55e00").style("stroke", "#ffffff");
    if (grid.wide >= 36) grid.text(x, y + 4, "middle", `${digits(cell.speedup)}${cell.is_oversubscribed ? "*" : ""}`).style("fill", d3.lab(colour).l < 55 ? "#ffffff" : "#111111");
    const lines = [valueText({ value: cell.speedup, ...range(cell) }, RATIO), ...(cell.is_oversubscribed ? ["more threads than CPUs"] : [])];
    const title = heat.x_name === "workers" ? `${panel.name}, n = ${n} ${label}` : `${panel.name}, ${label}, n = ${n}`;
    return { node, x, y, row: -row, column: n, title, lines };
  }));
  readable(place, grid.svg, marks.filter(Boolean));
}

/** The map of winners: work up, threads across. */
function winnersFigure({ map, chart }, number) {
  const { figure, place } = figureOf(`figure-winners-${number}`, "The winner by work and thread count", `${map.subtitle}; ≈: statistically indistinguishable from another`);
  const columns = [{ name: "work" }, { name: "draws", number: true }, { name: "n", number: true }, { name: "winner" }, { name: "indistinguishable from it" }];
  const rows = () => map.rows.flatMap((row) => row.cells.map((cell, column) => [row.work, row.draws, `${map.counts[column]}`, cell ? map.winners[cell.winner][0] : "–", cell?.ties.join(", ") || "–"]));
  return { figure, draw: () => drawWinners(place, map, chart), table: () => plainTable("The winners", columns, rows()) };
}

function drawWinners(place, map, chart) {
  const grid = cellGrid(place, map.rows.map(({ work }) => work), map.counts, 80, "threads", "The winner at each work and thread count");
  const longest = d3.max(map.winners, ([name]) => name.length);
  const hasNames = grid.wide >= 7 * Math.min(longest, 14) + 24;
  const marks = map.rows.flatMap((row, index) => row.cells.map((cell, column) => {
    if (!cell) return null;
    const n = map.counts[column];
    const [name, line] = map.winners[cell.winner];
    const [x, y] = grid.middle(index, n);
    const node = grid.cell(index, n).style("fill", line === null ? "var(--shade)" : look(line).colour).style("fill-opacity", line === null ? 1 : 0.3).node();
    const tie = cell.ties.length > 0 ? " ≈" : "";
    if (hasNames) fittedText(grid.text(x, y + 4, "middle", "").attr("class", "name"), name + tie, grid.wide - 6);
    else glyphAt(grid.svg, line, x, y, tie);
    const lines = [isNumber(cell.speedup) ? `${valueText({ value: cell.speedup }, RATIO)} the speed of sequential` : "nothing is significantly faster",
      ...(tie ? [`statistically indistinguishable from it: ${cell.ties.join(", ")}`] : [])];
    return { node, x, y, row: -index, column: n, title: `${name} wins: ${row.work} of work, n = ${n}`, lines };
  }));
  readable(place, grid.svg, marks.filter(Boolean), 4 * grid.width);
  if (!hasNames) place.append(namesOf(chart.lines));
}

/** Where a name has no room: the mark of the backend, nothing for sequential. */
function glyphAt(svg, index, x, y, sign) {
  if (index !== null) paint(svg.append("path").attr("d", outline(look(index).shape, x - (sign ? 4 : 0), y, 4)), look(index));
  if (sign) svg.append("text").attr("x", x + 7).attr("y", y + 4).attr("text-anchor", "middle").attr("aria-hidden", "true").text("≈");
}
