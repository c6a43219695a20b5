// All plots of a job, and what switches them.

const state = { hidden: new Set(), xLog: false, yLog: false, rounds: true, laws: true, strip: "best", heat: null };

/** Thread counts that double are best seen on a logarithmic axis. */
function prefersLog(job) {
  const counts = new Set(job.series.flatMap((series) => series.cases.map((index) => cases[index].nthread)));
  return (d3.max(counts) ?? 1) > 2 * counts.size && d3.min(counts) > 0;
}

let drawings = [];

/** Drawings that belong to the whole run. */
let lasting = [];

/** Puts the figures of a drawing as a table below it. */
function addTable({ figure, table }) {
  const details = element("details", { "data-of": figure.id }, element("summary", {}, "The figures as a table"));
  // The table is made when it is asked for: together they may have ten thousand rows.
  details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(table()); });
  figure.append(details);
  return details;
}

/** Makes the figures anew: after another job or another switch. */
function showPlots(job) {
  const again = () => showPlots(job);
  const figures = byId("figures");
  const open = new Set([...figures.querySelectorAll("details[open]")].map((details) => details.dataset.of));
  drawings = [...METRICS.map((metric) => lineFigure(metric, job, state)), stripFigure(job, state, again), heatFigure(job, state, again)].filter(Boolean);
  drawings.forEach((drawing) => { addTable(drawing).open = open.has(drawing.figure.id); });
  const focused = document.activeElement?.closest("figure")?.id;
  figures.replaceChildren(...drawings.map(({ figure }) => figure));
  drawings.forEach(({ draw }) => draw());
  if (focused) byId(focused)?.querySelector("select")?.focus();
}

/** A switch with two positions. */
function toggle(text, isOn, turn, attributes = {}, ...before) {
  const button = element("button", { type: "button", "aria-pressed": String(isOn), ...attributes }, ...before, element("span", {}, text));
  button.addEventListener("click", () => {
    const next = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(next));
    turn(next);
  });
  return button;
}

/** Backends on and off, axes, rounds, laws. */
function showControls(job) {
  const redraw = () => showPlots(job);
  state.xLog = prefersLog(job);
  const chips = job.series.map((series, index) => toggle(series.name, !state.hidden.has(series.name), (isOn) => {
    if (isOn) state.hidden.delete(series.name); else state.hidden.add(series.name);
    redraw();
  }, { class: "chip" }, glyph(index)));
  const all = element("button", { type: "button", class: "quiet", onclick: () => {
    const hide = state.hidden.size === 0;
    state.hidden = new Set(hide ? job.series.map((series) => series.name) : []);
    chips.forEach((chip) => chip.setAttribute("aria-pressed", String(!hide)));
    redraw();
  } }, "all / none");
  const turn = (name) => (isOn) => { state[name] = isOn; redraw(); };
  const hasLaws = job.series.some((series) => series.law?.curves.length > 0);
  byId("controls").replaceChildren(
    element("fieldset", { class: "chips" }, element("legend", {}, capital(job.words.many)), ...chips, all),
    element("fieldset", {}, element("legend", {}, "Axes"),
      toggle(`logarithmic ${countsOf(job)}`, state.xLog, turn("xLog"), { id: "x-log" }),
      toggle("logarithmic values", state.yLog, turn("yLog"), { id: "y-log" })),
    element("fieldset", {}, element("legend", {}, "Show"),
      toggle("rounds", state.rounds, turn("rounds"), { id: "rounds" }),
      hasLaws ? toggle("laws", state.laws, turn("laws"), { id: "laws" }) : null));
  const entry = (kind, text) => element("span", {}, dashGlyph(kind), text);
  byId("legend").replaceChildren(
    entry("ideal", countsOf(job) === "workers" ? "ideal of 1 inner" : "ideal"), entry("baseline", job.words.baseline_short), ...(hasLaws ? [entry("law", "thin line: the scaling law that was chosen"), entry("law other", "thin dashes: another law")] : []),
    element("span", {}, "bars: intervals"), element("span", {}, "pale dots: rounds"),
    job.series.every((series) => series.cases.some((index) => cases[index].oversubscribed)) ? element("span", {}, "shaded: more threads than CPUs") : "");
}

/** Draws again in another width. */
function watchWidth() {
  let width = byId("figures").clientWidth;
  new ResizeObserver(() => {
    const now = byId("figures").clientWidth;
    if (now !== width && !window.matchMedia("print").matches) {
      width = now;
      [...drawings, ...lasting].forEach(({ draw }) => draw());
    }
  }).observe(byId("figures"));
}
