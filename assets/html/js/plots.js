// All plots of a job, and what switches them.

const state = { hidden: new Set(), xLog: null, yLog: false, rounds: true, laws: true, strip: "best", heat: null };

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
  drawings = [...job.figures.map((figure) => lineFigure(figure, job, state)), stripFigure(job, state, again), heatFigure(job, state, again)].filter(Boolean);
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
  const [figure] = job.figures;
  state.xLog = figure ? figure.x[0].scale === "log" : null;
  const chips = job.series.map((name, index) => toggle(name, !state.hidden.has(name), (isOn) => {
    if (isOn) state.hidden.delete(name); else state.hidden.add(name);
    redraw();
  }, { class: "chip" }, glyph(index)));
  const all = element("button", { type: "button", class: "quiet", onclick: () => {
    const hide = state.hidden.size === 0;
    state.hidden = new Set(hide ? job.series : []);
    chips.forEach((chip) => chip.setAttribute("aria-pressed", String(!hide)));
    redraw();
  } }, "all / none");
  const turn = (name) => (isOn) => { state[name] = isOn; redraw(); };
  const hasLaws = job.figures.some(({ series }) => series.some(({ laws }) => laws.length > 0));
  const isShaded = job.figures.some((figure) => figure.oversubscribed_from !== null);
  byId("controls").replaceChildren(
    element("fieldset", { class: "chips" }, element("legend", {}, job.many), ...chips, all),
    element("fieldset", {}, element("legend", {}, "Axes"),
      toggle("logarithmic counts", state.xLog, turn("xLog"), { id: "x-log" }),
      toggle("logarithmic values", state.yLog, turn("yLog"), { id: "y-log" })),
    element("fieldset", {}, element("legend", {}, "Show"),
      toggle("rounds", state.rounds, turn("rounds"), { id: "rounds" }),
      hasLaws ? toggle("laws", state.laws, turn("laws"), { id: "laws" }) : null));
  const entry = (kind, text) => element("span", {}, dashGlyph(kind), text);
  byId("legend").replaceChildren(
    entry("ideal", job.ideal), entry("baseline", job.baseline), ...(hasLaws ? [entry("law", "thin line: the scaling law that was chosen"), entry("law other", "thin dashes: another law")] : []),
    element("span", {}, "bars: intervals"), element("span", {}, "pale dots: rounds"),
    isShaded ? element("span", {}, "shaded: more threads than CPUs") : "");
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
