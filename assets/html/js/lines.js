// Plots of something over the thread count: a line, intervals and rounds for each backend.

/** A word that may depend on the job. */
const said = (text, job) => (typeof text === "function" ? text(job) : text);

const isOfKernel = (job) => job.words.one === "backend";

/** Threads inside each worker of a series. */
const insideOf = (series) => Math.max(1, cases[series.cases[0]]?.inner_nthread ?? 1);

/** What the counts of a job are: where workers have threads inside them, they count workers. */
const countsOf = (job) => (job.series.some((series) => insideOf(series) > 1) ? "workers" : "threads");

/** A case's workers, and the threads inside each. */
const countOf = (c) => (c.inner_nthread > 1 ? `${c.nthread} × ${c.inner_nthread}` : `${c.nthread}`);

/** What is plotted: how a case shows it, in which units, with what to compare it. */
const METRICS = [
  { id: "time", title: (job) => `Time of a ${job.words.call}`, aside: "lower is better", units: TIMES, of: timeOf,
    rounds: (c) => c.round_ns, baseline: (b) => b.median_ns },
  { id: "speedup", title: (job) => `Speedup over ${job.words.baseline_short}`, aside: "higher is better", units: RATIO, of: speedupOf,
    rounds: (c) => c.ratios, baseline: () => 1, ideal: (n, job) => n / job.words.baseline_nthread, law: (x, b) => x / b.throughput },
  { id: "efficiency", title: "Efficiency", aside: "speedup by threads", units: SHARE, of: efficiencyOf,
    rounds: (c) => c.ratios.map((ratio) => (ratio * c.efficiency) / c.speedup), ideal: () => 1,
    law: (x, b, n, job, series) => (x / b.throughput / (n * insideOf(series))) * job.words.baseline_nthread },
  { id: "throughput", isFor: isOfKernel, title: "Throughput", aside: "higher is better", units: RATES, of: throughputOf,
    rounds: (c) => (isNumber(c.throughput) ? c.round_ns.map((ns) => (c.throughput * c.median_ns) / ns) : []),
    baseline: (b) => b.throughput, law: (x) => x },
  { id: "load_balance", title: "Load balance", aside: "busy time of the mean worker by that of the busiest", units: SHARE,
    of: (c) => ({ value: c.load_balance }), ideal: () => 1 },
  { id: "communication", title: "Communication", aside: "busy time of the busiest worker by the time of the call", units: SHARE,
    of: (c) => ({ value: c.communication }), ideal: () => 1 },
  { id: "computation", title: "Computation", aside: "time inside the kernel: of the baseline by that of all workers", units: SHARE,
    of: (c) => ({ value: c.computation_scaling }), ideal: () => 1 },
  { id: "setup", title: "Cost of setup", aside: "time to create the team, once for all of its calls", units: TIMES,
    of: (c) => ({ value: c.setup_ns }) },
  { id: "overhead", title: (job) => `Cost of a ${job.words.call}`, aside: (job) => (isOfKernel(job) ? "CPU time over the sequential loop, n·T(n) − T(1)" : "n/n₀ times the time, less that of the baseline with its n₀ threads"), units: TIMES,
    of: (c) => ({ value: c.overhead_ns }) },
];

/** What the marks of a metric show of the visible series. */
function points(metric, job, state) {
  return job.series.flatMap((series, index) => (state.hidden.has(series.name) ? [] : series.cases.map((number) => {
    const c = cases[number];
    return { c, index, series, n: c.nthread, ...metric.of(c), rounds: metric.rounds?.(c) ?? [] };
  }))).filter((point) => isNumber(point.value));
}

const hasInterval = (point) => isNumber(point.low) && isNumber(point.high);

/** One figure: caption, drawing, table. */
function lineFigure(metric, job, state) {
  if (metric.isFor && !metric.isFor(job)) return null;
  const shown = points(metric, job, state);
  const any = job.series.some((series) => series.cases.some((index) => isNumber(metric.of(cases[index]).value)));
  if (!any) return null;
  const figure = element("figure", { id: `figure-${metric.id}` });
  const baseline = cases[job.baseline];
  const unit = fitting(metric.units, d3.median(shown, (point) => Math.abs(point.value)) ?? 0);
  const canLog = shown.every((point) => point.value > 0 && (!hasInterval(point) || point.low > 0));
  const yLog = state.yLog && canLog;
  const axis = `${unit.name === "×" ? "times" : unit.name}${yLog ? ", logarithmic" : ""}${state.yLog && !canLog ? "; linear, for there are values below zero" : ""}`;
  figure.append(element("figcaption", {}, element("h3", {}, said(metric.title, job)),
    element("p", { class: "muted" }, `${said(metric.aside, job)} (${axis})`)));
  const place = element("div", { class: "drawing" });
  const plot = { metric, job, state, shown, unit, yLog, baseline };
  const { outside } = extent(plot);
  if (outside > 0) {
    const text = `${plural(outside, "round or end of an interval", "rounds or ends of intervals")} outside of what the axis shows`;
    figure.querySelector("figcaption").append(element("p", { class: "muted outside" }, text));
  }
  figure.append(place);
  return { figure, draw: () => drawLines(place, plot), table: () => pointTable(metric, job, shown, unit) };
}

/**
 * What the axis spans: every mark and the baseline, and of intervals and rounds what does not press
 * these together. Those that lie outside are counted.
 */
function extent({ metric, state, shown, unit, yLog, baseline }) {
  const known = (values) => values.filter((value) => isNumber(value) && (!yLog || value > 0)).map((value) => value / unit.size);
  const core = known([...shown.map((point) => point.value), baseline && metric.baseline ? metric.baseline(baseline) : null]);
  if (core.length === 0) return { domain: [0, 1], outside: 0 };
  const others = known(shown.flatMap((point) => [point.low, point.high, ...(state.rounds ? point.rounds : [])]));
  const [low, high] = d3.extent(core);
  const factor = Math.max(Math.sqrt(high / low), 3);
  const room = Math.max(high - low, 0.5 * Math.abs(high));
  const [least, most] = yLog ? [low / factor, high * factor] : [low - room, high + room];
  const inside = others.filter((value) => value >= least && value <= most);
  return { domain: d3.extent([...core, ...inside]), outside: others.length - inside.length };
}

function drawLines(place, plot) {
  const { metric, job, state, shown, unit, yLog } = plot;
  place.replaceChildren();
  const width = Math.max(260, Math.floor(place.clientWidth));
  const height = Math.round(Math.min(330, Math.max(230, width * 0.58)));
  const counts = d3.sort(new Set(job.series.flatMap((series) => series.cases.map((index) => cases[index].nthread))));
  const label = `${said(metric.title, job)} against ${countsOf(job)}; arrow keys move from mark to mark`;
  const shape = frame(width, height, { counts, isLog: state.xLog && counts[0] > 0, name: countsOf(job), beside: 2.5 * (job.series.length - 1) }, { domain: extent(plot).domain, isLog: yLog }, label);
  shape.at = (value) => shape.y(value / unit.size);
  const clip = clipped(shape, `clip-${metric.id}`);
  behind(shape, counts, d3.min(job.series, insideOf) ?? 1);
  comparisons(shape, plot, clip, counts);
  const indices = [...new Set(shown.map((point) => point.index))];
  const gap = d3.min(d3.pairs(counts), ([a, b]) => shape.x(b) - shape.x(a)) ?? 200;
  // Backends with the same count stand side by side, as far as there is room.
  const step = Math.min(counts.length > 1 ? 5 : 14, (gap * 0.5) / Math.max(1, indices.length));
  const marks = indices.flatMap((index, order) => {
    const shift = (order - (indices.length - 1) / 2) * step;
    return drawSeries(shape, plot, clip, shown.filter((point) => point.index === index), shift, step);
  });
  readable(place, shape.svg, marks);
}

/** The region where every series has more threads than CPUs; none where nobody knows how many there are. */
function behind(shape, counts, inside) {
  const most = Math.floor(data.usable_cpus / inside);
  if (!data.usable_cpus || counts[counts.length - 1] <= most) return;
  const from = shape.x(most + 0.5);
  const left = Math.min(shape.right, Math.max(shape.left, from));
  shape.svg.select(".behind").append("rect").attr("class", "shade").attr("x", left).attr("y", shape.top - 6)
    .attr("width", shape.right - left).attr("height", shape.bottom - shape.top + 6);
}

/** Ideal, baseline and laws. */
function comparisons(shape, { metric, job, state, baseline }, clip, counts) {
  const layer = shape.svg.append("g").attr("clip-path", clip).attr("aria-hidden", "true");
  const [first, last] = [counts[0], counts[counts.length - 1]];
  const line = d3.line(([n]) => shape.x(n), ([, value]) => shape.at(value));
  if (metric.ideal) {
    const steps = d3.range(0, 65).map((i) => first + ((last - first) * i) / 64);
    layer.append("path").attr("class", "ideal").attr("d", line(steps.map((n) => [n, metric.ideal(n, job)])));
  }
  const reference = baseline && metric.baseline?.(baseline);
  if (isNumber(reference)) {
    const y = shape.at(reference);
    layer.append("path").attr("class", "baseline").attr("d", `M${shape.left},${y}H${shape.right}`);
  }
  if (!state.laws || !metric.law || !isNumber(baseline?.throughput)) return;
  job.series.forEach((series, index) => {
    if (state.hidden.has(series.name)) return;
    (series.law?.curves ?? []).forEach((law, place) => {
      const points = law.points.filter(([n]) => n >= first && n <= last).map(([n, x]) => [n, metric.law(x, baseline, n, job, series)]);
      layer.append("path").attr("class", place === 0 ? "law" : "law other").attr("d", line(points)).style("stroke", look(index).colour)
        .append("title").text(`${series.name}, ${law.name}: ${law.text}`);
    });
  });
}

/** What the laws of a series say of a mark: "Amdahl's law: 3.41 ×". */
function lawLines(point, { metric, job, state, unit, baseline }) {
  if (!state.laws || !metric.law || !isNumber(baseline?.throughput)) return [];
  return (point.series.law?.curves ?? []).flatMap((law) => {
    const after = d3.bisector(([n]) => n).left(law.points, point.n);
    const [a, b] = [law.points[Math.max(0, after - 1)], law.points[after]];
    if (!a || !b) return [];
    const throughput = b[0] > a[0] ? a[1] + ((b[1] - a[1]) * (point.n - a[0])) / (b[0] - a[0]) : b[1];
    return [`${law.name}: ${valueText({ value: metric.law(throughput, baseline, point.n, job, point.series) }, unit)}`];
  });
}

/** One backend. Its line is broken where there are more threads than CPUs, and where a case has no data. */
function drawSeries(shape, plot, clip, own, shift, step) {
  const { metric, state, unit } = plot;
  const style = look(own[0].index);
  const sortedPoints = d3.sort(own, (point) => point.n).map((point) => ({ ...point, x: shape.x(point.n) + shift, y: shape.at(point.value) }));
  const layer = shape.svg.append("g").attr("class", "series").style("stroke", style.colour);
  if (state.rounds) {
    // One path for all dots: a plot may have ten thousand.
    const spread = (i) => (((i * 0.618034) % 1) - 0.5) * Math.min(7, step * 2.2);
    const dots = sortedPoints.flatMap((point) => point.rounds.map((value, i) => `M${(point.x + spread(i)).toFixed(1)},${shape.at(value).toFixed(1)}h0`));
    layer.append("path").attr("class", "rounds").attr("clip-path", clip).attr("d", dots.join("") || null);
  }
  const counts = own[0].series.cases.map((index) => cases[index]);
  const joined = (a, b) => a.c.oversubscribed === b.c.oversubscribed && !counts.some((c) => c.nthread > a.n && c.nthread < b.n && !isNumber(metric.of(c).value));
  for (const [a, b] of d3.pairs(sortedPoints).filter(([a, b]) => joined(a, b))) {
    layer.append("path").attr("class", "curve").attr("clip-path", clip).attr("stroke-dasharray", style.dash).attr("d", `M${a.x},${a.y}L${b.x},${b.y}`);
  }
  const bars = sortedPoints.filter(hasInterval).map((point) => `M${point.x},${shape.at(point.low)}V${shape.at(point.high)}`);
  layer.append("path").attr("class", "bars").attr("clip-path", clip).attr("d", bars.join("") || null);
  const radius = sortedPoints.length > 24 ? 2.6 : 3.6;
  return sortedPoints.map((point) => {
    const node = paint(layer.append("path").attr("class", "point").attr("d", outline(style.shape, point.x, point.y, radius)), style).node();
    const { title, lines } = reading(point, unit);
    return { node, x: point.x, y: point.y, row: point.index, column: point.n, title, lines: [...lines, ...lawLines(point, plot)] };
  });
}

/** What is said of a mark. */
function reading(point, unit) {
  const lines = [valueText(point, unit)];
  if (point.c.pairs > 0 && point.rounds.length > 0) lines.push(`${plural(point.c.rounds, "round")}, ${plural(point.c.pairs, "pair")}`);
  if (point.c.oversubscribed) lines.push(`more threads than the ${plural(data.usable_cpus, "usable CPU")}`);
  return { title: `${point.series.name}, n = ${point.n}`, lines };
}

/** The figures of a plot as a table. */
function pointTable(metric, job, shown, unit) {
  const columns = [{ name: job.words.one }, { name: "n", number: true }, { name: unit.name, number: true }, { name: "interval", number: true }];
  return plainTable(said(metric.title, job), columns, shown.map((point) => [point.series.name, `${point.n}`, inUnit(point.value, unit), intervalText(point, unit)]));
}
