// Jobs of several sizes, and tasks of several sizes: charts over time, and what follows from them.

/** A figure with a drawing, and its table below. */
function figureOf(id, title, definition, before = []) {
  const place = element("div", { class: "drawing" });
  const figure = element("figure", { id }, element("figcaption", {}, element("h3", {}, title), element("p", { class: "muted" }, definition)), ...before, place);
  return { figure, place };
}

/** Names of the lines of a chart, each with its mark. */
const namesOf = (lines) => element("p", { class: "legend muted" }, ...lines.map(({ name }, index) => element("span", {}, glyph(index), name)));

/** The figure of a chart. */
function chartFigure(id, chart, title) {
  const { figure, place } = figureOf(id, title, chart.y.label, [namesOf(chart.lines)]);
  return { figure, draw: () => drawChart(place, chart, title), table: () => chartTable(title, chart) };
}

function drawChart(place, chart, title) {
  place.replaceChildren();
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = Math.round(Math.min(360, Math.max(240, width * 0.5)));
  const shape = frame(width, height, chart.x, chart.y, `${title}; arrow keys move from mark to mark`, 0, 52);
  const clip = clipped(shape, `clip-${place.parentNode.id}`);
  for (const [level, text] of chart.levels) {
    const y = shape.y(level);
    shape.svg.append("path").attr("class", "baseline").attr("d", `M${shape.left},${y}H${shape.right}`);
    shape.svg.append("text").attr("x", shape.left + 4).attr("y", y - 4).attr("aria-hidden", "true").text(text);
  }
  const marks = chart.lines.flatMap(({ name, points }, index) => {
    const style = look(index);
    const layer = shape.svg.append("g").attr("class", "series").style("stroke", style.colour);
    const path = d3.line((point) => shape.x(point.at_ns), (point) => shape.y(point.value))(points);
    layer.append("path").attr("class", "curve").attr("clip-path", clip).attr("stroke-dasharray", style.dash).attr("d", path);
    const bars = points.filter((point) => point.interval).map((point) => `M${shape.x(point.at_ns)},${shape.y(point.interval[0])}V${shape.y(point.interval[1])}`);
    layer.append("path").attr("class", "bars").attr("clip-path", clip).attr("d", bars.join("") || null);
    return points.map((point) => {
      const [x, y] = [shape.x(point.at_ns), shape.y(point.value)];
      const node = paint(layer.append("path").attr("class", "point").attr("d", outline(style.shape, x, y, 3.6)), style).node();
      return { node, x, y, row: index, column: point.at_ns, title: `${name}, ${point.at}`, lines: [valueText({ value: point.value, ...range(point) }, chart.unit), point.of] };
    });
  });
  readable(place, shape.svg, marks);
}

function chartTable(caption, { lines, unit }) {
  const columns = [{ name: "backend" }, { name: "time", number: true }, { name: unit.name, number: true }, { name: "interval", number: true }, { name: "of" }];
  return plainTable(caption, columns, lines.flatMap(({ name, points }) => points.map((point) =>
    [name, point.at, inUnit(point.value, unit), intervalText(range(point), unit), point.of])));
}

/** Where parallel begins to pay: the map of winners, the speedups, the table. */
function ladderParts(ladder, number) {
  const drawings = [winnersFigure(ladder, number)];
  if (ladder.chart.lines.length > 0) drawings.push(chartFigure(`figure-crossover-${number}`, ladder.chart, "Speedup by the work of the job"));
  const columns = [{ name: "backend" }, { name: "n", number: true }, { name: "where it begins to pay, in time of sequential" }];
  return { heading: `Where parallel begins to pay: ${ladder.name}`, words: [], drawings, table: plainTable("Of each backend and thread count", columns, ladder.crossovers) };
}

/** The smallest useful task: the efficiency by task, and METG in words. */
function grainParts({ method, nthread, chart, rows, notes }) {
  const drawings = chart ? [chartFigure("figure-granularity", chart, `Efficiency by the time of a task, n = ${nthread}`)] : [];
  const columns = ["backend", "METG(50%) with its 95% interval", "METG(95%) with its 95% interval"].map((name) => ({ name }));
  return { heading: "The smallest useful task", words: [method], drawings, table: plainTable("The smallest task at which a backend is that efficient", columns, rows), after: notes };
}
