// Jobs of several sizes, and tasks of several sizes: who wins where, from which work on, and how
// small a task may be.

const nanoseconds = (ns) => { const unit = fitting(TIMES, ns * 1.0005); return `${inUnit(ns, unit)} ${unit.name}`; };

/** Powers of ten between two times, written in their units. */
function timeAxis(values, name) {
  const [low, high] = d3.extent(values);
  const powers = d3.range(Math.ceil(Math.log10(low)), Math.floor(Math.log10(high)) + 1).map((power) => 10 ** power);
  const text = (ns) => { const unit = fitting(TIMES, ns * 1.0005); return `${tickText(ns / unit.size)} ${unit.name}`; };
  return { counts: [low, high], isLog: low > 0, ticks: powers.length > 0 ? powers : [low, high], text, name };
}

/** A figure with a drawing, and its table below. */
function figureOf(id, title, aside, before = []) {
  const place = element("div", { class: "drawing" });
  const figure = element("figure", { id }, element("figcaption", {}, element("h3", {}, title), element("p", { class: "muted" }, aside)), ...before, place);
  return { figure, place };
}

/** Names of the backends of a drawing, each with its mark. */
const namesOf = (series) => element("p", { class: "legend muted" }, ...series.map(({ name, index }) => element("span", {}, glyph(index), name)));

/**
 * Lines over a logarithmic axis of time. `series`: {name, index, points}; `plot`: {label, axis, unit,
 * isLog, lines: [{at, text}]}.
 */
function drawOverTime(place, series, plot) {
  place.replaceChildren();
  const all = series.flatMap(({ points }) => points);
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = Math.round(Math.min(360, Math.max(240, width * 0.5)));
  const low = (point) => (isNumber(point.low) && (!plot.isLog || point.low > 0) ? point.low : point.value);
  const ends = clippedEnds(all, plot, low);
  const shape = frame(width, height, timeAxis(all.map((point) => point.at_ns), plot.axis),
    { domain: ends.map((value) => value / plot.unit.size), isLog: plot.isLog }, `${plot.label}; arrow keys move from mark to mark`);
  const at = (value) => shape.y(value / plot.unit.size);
  const clip = clipped(shape, `clip-${place.parentNode.id}`);
  for (const line of plot.lines) {
    const y = at(line.at);
    shape.svg.append("path").attr("class", "baseline").attr("d", `M${shape.left},${y}H${shape.right}`);
    shape.svg.append("text").attr("x", shape.left + 4).attr("y", y - 4).attr("aria-hidden", "true").text(line.text);
  }
  const marks = series.flatMap(({ name, index, points }, row) => {
    const style = look(index);
    const layer = shape.svg.append("g").attr("class", "series").style("stroke", style.colour);
    const path = d3.line((point) => shape.x(point.at_ns), (point) => at(point.value))(d3.sort(points, (point) => point.at_ns));
    layer.append("path").attr("class", "curve").attr("clip-path", clip).attr("stroke-dasharray", style.dash).attr("d", path);
    const bars = points.filter(hasInterval).map((point) => `M${shape.x(point.at_ns)},${at(low(point))}V${at(point.high)}`);
    layer.append("path").attr("class", "bars").attr("clip-path", clip).attr("d", bars.join("") || null);
    return points.map((point) => {
      const [x, y] = [shape.x(point.at_ns), at(point.value)];
      const node = paint(layer.append("path").attr("class", "point").attr("d", outline(style.shape, x, y, 3.6)), style).node();
      return { node, x, y, row, column: point.at_ns, title: `${name}, ${nanoseconds(point.at_ns)}`, lines: [valueText(point, plot.unit), point.of] };
    });
  });
  readable(place, shape.svg, marks);
}

/** What the axis spans: every mark and line, and of the intervals what does not press them together. */
function clippedEnds(points, plot, low) {
  const core = d3.extent([...points.map((point) => point.value), ...plot.lines.map((line) => line.at)]);
  const ends = d3.extent([...core, ...points.flatMap((point) => [low(point), point.high])].filter(isNumber));
  if (plot.isLog) return [Math.max(ends[0], core[0] / 4), Math.min(ends[1], core[1] * 4)];
  const room = core[1] - core[0] || core[1];
  return [Math.max(ends[0], core[0] - room, 0), Math.min(ends[1], core[1] + room)];
}

/** The figures of such a drawing. */
function overTimeTable(caption, series, unit) {
  const columns = [{ name: "backend" }, { name: "time", number: true }, { name: unit.name, number: true }, { name: "interval", number: true }, { name: "of" }];
  return plainTable(caption, columns, series.flatMap(({ name, points }) => points.map((point) =>
    [name, nanoseconds(point.at_ns), inUnit(point.value, unit), intervalText(point, unit), point.of])));
}

/** Where parallel begins to pay: the sentence, the map of winners, the speedups, the table. */
function ladderParts(ladder, number) {
  const index = (name) => ladder.names.indexOf(name);
  const shown = ladder.crossovers.filter((it) => it.earliest && it.points.length > 0);
  const series = shown.map((it) => ({ name: `${it.name}, n = ${it.nthread}`, index: index(it.name), points: it.points }));
  const drawings = [winnersFigure(ladder, number)];
  if (series.length > 0) {
    const { figure, place } = figureOf(`figure-crossover-${number}`, "Speedup by the work of the job",
      "times, logarithmic; each backend at the thread count that pays first; bars: intervals, cut off where they leave the plot", [namesOf(series)]);
    const [unit, plot] = [{ name: "×", size: 1 }, { label: "Speedup against the work of the job", axis: "time of sequential", isLog: true, lines: [{ at: 1, text: "sequential" }] }];
    drawings.push({ figure, draw: () => drawOverTime(place, series, { ...plot, unit }), table: () => overTimeTable("Speedup by work", series, unit) });
  }
  const columns = [{ name: "backend" }, { name: "n", number: true }, { name: "where it begins to pay, in time of sequential" }];
  return { heading: `Where parallel begins to pay: ${ladder.name}`, words: [], drawings,
    table: plainTable("Of each backend and thread count", columns, ladder.crossovers.map((it) => [it.name, `${it.nthread}`, it.known])) };
}

/** The map of winners: work up, threads across. */
function winnersFigure(ladder, number) {
  const { figure, place } = figureOf(`figure-winners-${number}`, "Who wins",
    "sequential, unless the whole interval of a backend's speedup is above 1; ≈: another cannot be told from it");
  const name = (it) => it.winner ?? "sequential";
  const columns = [{ name: "work" }, { name: "draws", number: true }, { name: "n", number: true }, { name: "winner" }, { name: "cannot be told from it" }];
  const rows = () => ladder.winners.map((it) => [nanoseconds(it.work_ns), it.draws, `${it.nthread}`, name(it), it.ties.join(", ") || "–"]);
  return { figure, draw: () => drawWinners(place, ladder), table: () => plainTable("The winners", columns, rows()) };
}

function drawWinners(place, ladder) {
  place.replaceChildren();
  const found = ladder.winners.filter((it) => isNumber(it.work_ns));
  if (found.length === 0) return;
  const width = Math.max(260, Math.floor(place.clientWidth));
  const works = d3.sort(new Set(found.map((it) => it.work_ns))).reverse();
  const counts = d3.sort(new Set(found.map((it) => it.nthread)));
  const height = works.length * 30 + 40;
  const left = 80;
  const x = d3.scaleBand(counts, [left, width - 8]);
  const y = d3.scaleBand(works, [4, height - 36]);
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", "The winner at each work and thread count; arrow keys move from cell to cell");
  place.append(svg.node());
  const label = (px, py, anchor, text) => svg.append("text").attr("x", px).attr("y", py).attr("text-anchor", anchor).attr("aria-hidden", "true").text(text);
  works.forEach((work) => label(left - 6, y(work) + y.bandwidth() / 2 + 4, "end", nanoseconds(work)));
  spaced(counts, (n) => x(n), 26).forEach((n) => label(x(n) + x.bandwidth() / 2, height - 20, "middle", tickText(n)));
  label(width - 8, height - 5, "end", "threads");
  const longest = d3.max(["sequential", ...ladder.names], (name) => name.length);
  const hasNames = x.bandwidth() >= 7 * Math.min(longest, 14) + 24;
  const marks = found.map((it) => {
    const name = it.winner ?? "sequential";
    const cell = svg.append("rect").attr("class", "cell").attr("x", x(it.nthread)).attr("y", y(it.work_ns)).attr("width", x.bandwidth()).attr("height", y.bandwidth())
      .style("fill", it.winner ? look(ladder.names.indexOf(it.winner)).colour : "var(--shade)").style("fill-opacity", it.winner ? 0.3 : 1);
    const [px, py] = [x(it.nthread) + x.bandwidth() / 2, y(it.work_ns) + y.bandwidth() / 2];
    const sign = it.ties.length > 0 ? " ≈" : "";
    const text = label(px, py + 4, "middle", "").attr("class", "name");
    if (hasNames) fittedText(text, name + sign, x.bandwidth() - 6);
    else glyphAt(svg, it.winner ? ladder.names.indexOf(it.winner) : null, px, py, sign);
    const lines = [it.winner ? `${valueText({ value: it.speedup }, { name: "×", size: 1 })} the speed of sequential` : "nothing is shown to beat it",
      ...(it.ties.length > 0 ? [`cannot be told from it: ${it.ties.join(", ")}`] : [])];
    return { node: cell.node(), x: px, y: py, row: -works.indexOf(it.work_ns), column: it.nthread, title: `${name} wins: ${nanoseconds(it.work_ns)} of work, n = ${it.nthread}`, lines };
  });
  readable(place, svg, marks, 4 * width);
  if (!hasNames) place.append(namesOf(ladder.names.map((name, index) => ({ name, index }))));
}

/** Where a name has no room: the mark of the backend, nothing for sequential. */
function glyphAt(svg, index, x, y, sign) {
  if (index !== null) paint(svg.append("path").attr("d", outline(look(index).shape, x - (sign ? 4 : 0), y, 4)), look(index));
  if (sign) svg.append("text").attr("x", x + 7).attr("y", y + 4).attr("text-anchor", "middle").attr("aria-hidden", "true").text("≈");
}

/** The smallest useful task: the efficiency by task, and METG in words. */
function grainParts(grains) {
  const series = grains.series.map(({ name, points }, index) => ({ name, index, points })).filter(({ points }) => points.length > 0);
  const { figure, place } = figureOf("figure-granularity", "Efficiency by the time of a task",
    `%, n = ${grains.nthread}; bars: intervals, cut off where they leave the plot`, [namesOf(series)]);
  const unit = { name: "%", size: 0.01 };
  const plot = { label: "Efficiency against the time of a task", axis: "time of a task", unit, isLog: false, lines: [{ at: 0.5, text: "50%" }, { at: 0.95, text: "95%" }] };
  const drawings = [{ figure, draw: () => drawOverTime(place, series, plot), table: () => overTimeTable("Efficiency by task", series, unit) }];
  const columns = ["backend", "METG(50%) with its 95% interval", "METG(95%) with its 95% interval"].map((name) => ({ name }));
  return { heading: "The smallest useful task", words: [grains.method], drawings: series.length > 0 ? drawings : [],
    table: plainTable("The smallest task at which a backend is that efficient", columns, grains.series.map((it) => [it.name, it.metg_50, it.metg_95])),
    after: [...(grains.series.some((it) => `${it.metg_50} ${it.metg_95}`.includes("?")) ? ["? not decided: the interval leaves the measured tasks."] : []), ...grains.series.flatMap((it) => it.refusals.map((why) => `${it.name}: ${why}.`))] };
}
