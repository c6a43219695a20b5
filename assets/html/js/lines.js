// Figures over the thread count: a line, intervals and rounds for each backend.

/** The points of a series with names for their parts. */
function pointsOf(job, figure, index) {
  const parts = ([number, n, value, low, high, isJoined, rounds], place) => ({ c: data.cases[number], case: number, index, place, n, value, low, high, isJoined, rounds });
  const points = figure.series[index].points.map(parts);
  if (figure.dots_of === null) return points;
  // Throughputs are inverse to times, efficiencies are proportional to speedups: their dots are not stored twice.
  const base = job.figures.find(({ id }) => id === figure.dots_of)?.series[index].points.map(parts) ?? [];
  const of = new Map(base.map((point) => [point.case, point]));
  const dot = (value, same, other) => (figure.id === "throughput" ? (value * same) / other : (value * other) / same);
  return points.map((point) => {
    const same = of.get(point.case);
    return { ...point, rounds: (same?.rounds ?? []).map((other) => dot(point.value, same.value, other)) };
  });
}

/** The points of the series that are not switched off. */
const shownPoints = (figure, job, state) => job.series.flatMap((name, index) => (state.hidden.has(name) ? [] : pointsOf(job, figure, index)));

const hasInterval = (point) => isNumber(point.low) && isNumber(point.high);

/** The axis on the scale that is asked for: null leaves the one of the SVG and PNG plots. */
const chosenAxis = (axes, isLog) => (isLog === null ? axes[0] : axes.find((axis) => axis && (axis.scale === "log") === isLog) ?? axes[0]);

/** One figure: caption, drawing, table. */
function lineFigure(figure, job, state) {
  const shown = shownPoints(figure, job, state);
  const x = chosenAxis(figure.x, state.xLog);
  const y = chosenAxis(figure.y, state.yLog ? true : null);
  const refused = state.yLog && y.scale !== "log" ? "; linear, for there are values below zero" : "";
  const node = element("figure", { id: `figure-${figure.id}` },
    element("figcaption", {}, element("h3", {}, figure.title),
      element("p", { class: "muted" }, `${figure.definition} · ${y.label}${refused}`),
      figure.notes.length > 0 ? element("p", { class: "muted" }, figure.notes.join(" · ")) : null));
  const place = element("div", { class: "drawing" });
  node.append(place);
  return { figure: node, draw: () => drawLines(place, { figure, job, state, shown, x, y }), table: () => pointTable(figure, job, shown) };
}

function drawLines(place, plot) {
  const { figure, job, shown, x, y } = plot;
  place.replaceChildren();
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = Math.round(Math.min(330, Math.max(230, width * 0.58)));
  const shape = frame(width, height, x, y, `${figure.title} against ${x.label}; arrow keys move from mark to mark`, 2.5 * (job.series.length - 1), 26);
  const clip = clipped(shape, `clip-${figure.id}`);
  shadeOversubscribed(shape, figure, x);
  comparisons(shape, plot, clip);
  const indices = [...new Set(shown.map((point) => point.index))];
  const places = x.ticks.map(([n]) => shape.x(n));
  const gap = d3.min(d3.pairs(places), ([a, b]) => b - a) ?? 200;
  // Backends with the same count stand side by side, as far as there is room.
  const step = Math.min(places.length > 1 ? 5 : 14, (gap * 0.5) / Math.max(1, indices.length));
  const marks = indices.flatMap((index, order) => {
    const shift = (order - (indices.length - 1) / 2) * step;
    return drawSeries(shape, plot, clip, shown.filter((point) => point.index === index), shift, step);
  });
  readable(place, shape.svg, marks);
}

/** The region where every series has more threads than CPUs. */
function shadeOversubscribed(shape, figure, x) {
  if (figure.oversubscribed_from === null) return;
  const first = x.ticks.findIndex(([n]) => n === figure.oversubscribed_from);
  const left = first === 0 ? shape.left : (shape.x(x.ticks[first - 1][0]) + shape.x(x.ticks[first][0])) / 2;
  shape.svg.select(".behind").append("rect").attr("class", "shade").attr("x", left).attr("y", shape.top - 6)
    .attr("width", shape.right - left).attr("height", shape.bottom - shape.top + 6);
}

/** Ideal, baseline and laws. */
function comparisons(shape, { figure, job, state, x }, clip) {
  const layer = shape.svg.append("g").attr("clip-path", clip).attr("aria-hidden", "true");
  const line = d3.line(([n]) => shape.x(n), ([, value]) => shape.y(value));
  if (figure.ideal) {
    const [base, slope] = figure.ideal;
    const steps = d3.range(0, 65).map((i) => x.low + ((x.high - x.low) * i) / 64);
    layer.append("path").attr("class", "ideal").attr("d", line(steps.map((n) => [n, base + slope * n])));
  }
  if (isNumber(figure.reference)) {
    layer.append("path").attr("class", "baseline").attr("d", `M${shape.left},${shape.y(figure.reference)}H${shape.right}`);
  }
  if (!state.laws) return;
  job.series.forEach((name, index) => {
    if (state.hidden.has(name)) return;
    figure.series[index].laws.forEach(([law, points], place) => {
      layer.append("path").attr("class", place === 0 ? "law" : "law other").attr("d", line(points)).style("stroke", look(index).colour)
        .append("title").text(`${name}, ${law}`);
    });
  });
}

/** One backend. */
function drawSeries(shape, plot, clip, own, shift, step) {
  const { figure, job, state } = plot;
  const style = look(own[0].index);
  const placed = own.map((point) => ({ ...point, x: shape.x(point.n) + shift, y: shape.y(point.value) }));
  const layer = shape.svg.append("g").attr("class", "series").style("stroke", style.colour);
  if (state.rounds) {
    // One path for all dots: a plot may have ten thousand.
    const spread = (i) => (((i * 0.618034) % 1) - 0.5) * Math.min(7, step * 2.2);
    const dots = placed.flatMap((point) => point.rounds.map((value, i) => `M${(point.x + spread(i)).toFixed(1)},${shape.y(value).toFixed(1)}h0`));
    layer.append("path").attr("class", "rounds").attr("clip-path", clip).attr("d", dots.join("") || null);
  }
  for (const [a, b] of d3.pairs(placed).filter(([, b]) => b.isJoined)) {
    layer.append("path").attr("class", "curve").attr("clip-path", clip).attr("stroke-dasharray", style.dash).attr("d", `M${a.x},${a.y}L${b.x},${b.y}`);
  }
  const bars = placed.filter(hasInterval).map((point) => `M${point.x},${shape.y(point.low)}V${shape.y(point.high)}`);
  layer.append("path").attr("class", "bars").attr("clip-path", clip).attr("d", bars.join("") || null);
  const radius = placed.length > 24 ? 2.6 : 3.6;
  return placed.map((point) => {
    const node = paint(layer.append("path").attr("class", "point").attr("d", outline(style.shape, point.x, point.y, radius)), style).node();
    const laws = state.laws ? figure.series[point.index].laws : [];
    const lines = [valueText(point, figure.unit), point.rounds.length > 0 ? point.c.rounds : "", point.c.oversubscribed,
      ...laws.map(([name, , values]) => (isNumber(values[point.place]) ? `${name}: ${valueText({ value: values[point.place] }, figure.unit)}` : ""))];
    return { node, x: point.x, y: point.y, row: point.index, column: point.n, title: `${job.series[point.index]}, n = ${point.n}`, lines: lines.filter(Boolean) };
  });
}

/** The figures of a plot as a table. */
function pointTable(figure, job, shown) {
  const columns = [{ name: job.one }, { name: "n", number: true }, { name: figure.unit.name, number: true }, { name: "interval", number: true }];
  return plainTable(figure.title, columns, shown.map((point) => [job.series[point.index], `${point.n}`, inUnit(point.value, figure.unit), intervalText(point, figure.unit)]));
}
