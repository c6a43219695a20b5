// Tables: of the cases, and of the figures of a plot.

/** A table in a frame that scrolls by itself where it is too wide. */
function framed(label, table) {
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, table);
}

/** A plain table: `columns` of {name, isNumber}, rows of text. */
function plainTable(caption, columns, rows) {
  const kind = (column) => (column.number ? "number" : null);
  const head = columns.map((column) => element("th", { scope: "col", class: kind(column) }, column.name));
  const line = (row) => element("tr", {}, ...row.map((text, index) =>
    index === 0 ? element("th", { scope: "row" }, text) : element("td", { class: kind(columns[index]) }, text)));
  return framed(caption, element("table", { class: "plain" },
    element("caption", {}, element("span", {}, caption)),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows.map(line))));
}

/** The columns of the table of cases: what to show, and what to sort by. */
function caseColumns(job, shown) {
  const unit = fitting(TIMES, d3.median(shown, (c) => c.median_ns) ?? 0);
  const rate = fitting(RATES, d3.median(shown, (c) => c.throughput) ?? 0);
  const [percent, ratio] = [{ name: "%", size: 0.01 }, { name: "×", size: 1 }];
  const whole = (triple, unit) => [inUnit(triple.value, unit), element("span", { class: "interval" }, ` ${intervalText(triple, unit)}`)];
  const has = (name) => shown.some((c) => c[name] !== null && c[name] !== undefined);
  const chunk = (c) => [c.schedule || (isOfKernel(job) ? "its own" : ""), c.chunk].filter((x) => x !== null && x !== undefined).join(" ");
  return [
    { name: job.words.one, by: (c) => c.series, cell: (c) => [c.series] },
    { name: "n", number: true, by: (c) => c.nthread, cell: (c) => [`${c.nthread}${c.oversubscribed ? "*" : ""}`] },
    has("fastest") && { name: "≈", by: (c) => (c.fastest ? 0 : 1), cell: (c) => [c.fastest ? "≈" : ""] },
    { name: "speedup", number: true, by: (c) => c.speedup, cell: (c) => whole(speedupOf(c), ratio) },
    { name: `time ${unit.name}`, number: true, by: (c) => c.median_ns, cell: (c) => whole(timeOf(c), unit) },
    { name: "efficiency %", number: true, by: (c) => c.efficiency, cell: (c) => whole(efficiencyOf(c), percent) },
    isOfKernel(job) && has("throughput") && { name: rate.name, number: true, by: (c) => c.throughput, cell: (c) => [inUnit(c.throughput, rate)] },
    { name: "pairs", number: true, by: (c) => c.pairs, cell: (c) => [c.pairs_all > c.pairs ? `${c.pairs} of ${c.pairs_all}` : `${c.pairs}`] },
    has("cpu_ns") && { name: `CPU ${unit.name}`, number: true, by: (c) => c.cpu_ns, cell: (c) => [inUnit(c.cpu_ns, unit)] },
    has("peak_bytes") && { name: "peak MiB", number: true, by: (c) => c.peak_bytes, cell: (c) => [inUnit(c.peak_bytes, { size: 2 ** 20 })] },
    isOfKernel(job) && { name: "schedule", short: true, by: chunk, cell: (c) => [chunk(c)] },
    has("rank_low") && { name: "rank", number: true, by: (c) => c.rank_low, cell: (c) => [rankText(c)] },
    shown.some((c) => c.problems > 0) && { name: "failed", number: true, by: (c) => c.problems, cell: (c) => [c.problems ? `${c.problems}` : ""] },
  ].filter(Boolean);
}

function rankText(c) {
  if (!isNumber(c.rank_low)) return "";
  return c.rank_low === c.rank_high ? `${c.rank_low}` : `${c.rank_low}–${c.rank_high}`;
}

/** The cases in the order of a column; those without a value last. */
function sorted(rows, column, direction) {
  const known = rows.filter((c) => column.by(c) !== null && column.by(c) !== undefined);
  const unknown = rows.filter((c) => !known.includes(c));
  return [...known.sort((a, b) => direction * d3.ascending(column.by(a), column.by(b))), ...unknown];
}

/** The table of a job's cases: the best of each backend or all, sorted by any column. */
function caseTable(job, place) {
  const best = job.series.map((series) => cases[series.best]).filter(Boolean);
  const all = [...new Set([job.baseline, ...job.series.flatMap((series) => series.cases)])].map((index) => cases[index]).filter(Boolean);
  const state = { rows: all.length > 16 && best.length > 0 ? best : all, column: null, direction: 1 };
  const fastest = d3.greatest(best, (c) => c.speedup ?? -c.median_ns);
  const choose = (rows) => { state.rows = rows; draw(); };

  function draw() {
    const columns = caseColumns(job, state.rows);
    const chosen = columns.find((column) => column.name === state.column);
    const rows = chosen ? sorted(state.rows, chosen, state.direction) : state.rows;
    const head = columns.map((column) => headCell(column, state, draw));
    const line = (c) => element("tr", { class: c === fastest ? "best" : null }, ...columns.map((column, index) =>
      element(index === 0 ? "th" : "td", { scope: index === 0 ? "row" : null, class: column.number ? "number" : column.short ? "short" : null }, ...column.cell(c))));
    const caption = state.rows === all ? `All ${plural(all.length, "case")}` : `The best thread count of each ${job.words.one}`;
    const level = `intervals of ${tickText(100 * data.confidence)}% or more in brackets`;
    const table = element("table", {},
      element("caption", {}, element("span", {}, `${caption}; ${level}`)),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows.map(line)));
    const toggle = (name, rows) => element("button", { type: "button", "aria-pressed": String(state.rows === rows), onclick: () => choose(rows) }, name);
    const choice = element("p", { class: "choice", role: "group", "aria-label": "Rows of the table" },
      toggle(`Best of each ${job.words.one}`, best), toggle(`All ${plural(all.length, "case")}`, all));
    const focused = document.activeElement?.dataset?.column;
    place.replaceChildren(...(best.length < all.length ? [choice] : []), framed("Cases", table), ...notes(rows, all));
    if (focused) place.querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
  }
  draw();
}

/** The head of a column: a button that sorts by it. */
function headCell(column, state, draw) {
  const isChosen = state.column === column.name;
  const sort = isChosen ? (state.direction > 0 ? "ascending" : "descending") : null;
  const click = () => {
    state.direction = isChosen ? -state.direction : 1;
    state.column = column.name;
    draw();
  };
  return element("th", { scope: "col", class: column.number ? "number" : null, "aria-sort": sort },
    element("button", { type: "button", onclick: click, "data-column": column.name, title: "sort" }, column.name));
}

/** What the signs in the table mean, and what went wrong. */
function notes(rows, all) {
  const found = [];
  const say = (text, kind = "muted") => found.push(element("p", { class: kind }, text));
  if (rows.some((c) => c.oversubscribed)) say(`* more threads than the ${plural(data.usable_cpus, "usable CPU")}`);
  if (rows.some((c) => c.fastest)) say("≈ in the set of the fastest: the data cannot tell these apart");
  for (const c of all.filter((c) => c.problems > 0)) {
    say(`${c.title}, n = ${c.nthread}: ${plural(c.problems, "failed visit")}, the first: ${c.problem}`, "problem");
  }
  return found;
}
