// The page: words, theme, and which job is shown.

const THEMES = ["auto", "light", "dark"];

/** The theme that a reader chose. A browser may refuse to remember anything for a file. */
function chosenTheme() {
  try { return localStorage.getItem("nthread-theme") ?? "auto"; } catch { return "auto"; }
}

function showTheme(theme) {
  if (theme === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
  byId("theme").textContent = `Theme: ${theme}`;
  byId("theme").dataset.theme = theme;
}

function turnTheme() {
  const next = THEMES[(THEMES.indexOf(byId("theme").dataset.theme) + 1) % THEMES.length];
  try { localStorage.setItem("nthread-theme", next); } catch { /* It lasts as long as the page. */ }
  showTheme(next);
}

/** Few figures that say the most. */
function keyFigures(job) {
  const best = job.series.map((series) => cases[series.best]).filter(Boolean);
  const fastest = d3.greatest(best, (c) => c.speedup ?? -c.median_ns);
  const baseline = cases[job.baseline];
  const card = (name, value, aside) => element("div", {}, element("dt", {}, name), element("dd", {}, value, element("small", {}, aside)));
  const of = (c, triple, units) => valueText(triple, fitting(units, triple.value ?? 0));
  const split = (text) => { const at = text.indexOf(" ("); return at < 0 ? [text, ""] : [text.slice(0, at) + text.slice(text.lastIndexOf(")") + 1), text.slice(at + 2, text.lastIndexOf(")"))]; };
  const cards = [];
  if (fastest && isNumber(fastest.speedup)) {
    // The interval of the answer holds although the case was picked for its speedup.
    const { winner, speedup_low: low, speedup_high: high } = job.found;
    const triple = winner === fastest.index && low > 1 && !baseline?.fastest ? { value: fastest.speedup, low, high } : speedupOf(fastest);
    const [value, interval] = split(of(fastest, triple, RATIO));
    cards.push(card("Highest speedup", value, `${fastest.title}, n = ${countOf(fastest)}${interval ? `; ${interval}` : ""}`));
  }
  if (baseline && isNumber(baseline.median_ns)) {
    const [value, interval] = split(of(baseline, timeOf(baseline), TIMES));
    const [name, whose] = isOfKernel(job) ? ["Sequential", "a call"] : ["Baseline", job.words.baseline_short];
    cards.push(card(name, value, `${whose}${interval ? `; ${interval}` : ""}`));
  }
  const rounds = d3.max(cases, (c) => c.rounds) ?? 0;
  const failed = d3.sum(cases, (c) => c.problems);
  cards.push(card("Rounds", `${rounds}`, `of ${plural(cases.length, "case")}${failed ? `; ${plural(failed, "failed visit")}` : ""}`));
  cards.push(card(...data.checked));
  return cards;
}

/** A sentence begins with a capital; what the name of a command or function begins with is its own affair. */
const capital = (text) => {
  const isName = cases.some((c) => c.draws == null && c.title && text.startsWith(c.title.slice(0, 12)));
  return isName ? text : text.charAt(0).toUpperCase() + text.slice(1);
};

function showJob(job) {
  byId("title").textContent = `${isOfKernel(job) ? job.kernel : job.name} on ${data.cpu_model || "an unknown CPU"}`;
  byId("subtitle").textContent = [job.work, job.pin && job.pin !== "none" ? `pinned ${job.pin}` : "",
    data.usable_cpus ? plural(data.usable_cpus, "usable CPU") : "CPUs unknown", isOfKernel(job) ? plural(job.series.length, "backend") : ""].filter(Boolean).join(" · ");
  const answer = job.answer ?? "Nothing was measured.";
  byId("lead").textContent = capital(answer);
  showFound(job);
  byId("key").replaceChildren(...keyFigures(job));
  for (const series of job.series) series.cases.forEach((index) => { cases[index].series = series.name; });
  const isApart = !job.series.some((series) => series.cases.includes(job.baseline));
  if (isApart && cases[job.baseline]) cases[job.baseline].series = cases[job.baseline].title;
  caseTable(job, byId("table"));
  showControls(job);
  showPlots(job);
}

function showJobs() {
  const select = byId("job");
  select.append(...data.jobs.map((job, index) => element("option", { value: String(index) }, job.name)));
  select.addEventListener("change", () => showJob(data.jobs[Number(select.value)]));
  byId("jobs").hidden = data.jobs.length < 2;
}

function showWarnings() {
  const about = (warning) => {
    const names = warning.cases.slice(0, 6).map((index) => cases[index]).filter(Boolean).map((c) => `${c.title}, n = ${c.nthread}`);
    const more = warning.cases.length - names.length;
    return names.length === 0 ? "all cases" : names.join("; ") + (more > 0 ? `; and ${more} more` : "");
  };
  byId("warning-list").replaceChildren(...(data.warnings.length === 0 ? [element("p", {}, "None.")] : data.warnings.map((warning) =>
    element("div", { class: "warning" },
      element("p", {}, element("code", {}, warning.code), ` ${warning.message}`),
      element("p", {}, `Try: ${warning.advice}`),
      element("p", { class: "muted" }, `Of: ${about(warning)}`)))));
}

function showFacts() {
  byId("fact-list").replaceChildren(...data.facts.map(({ heading, lines }) =>
    element("details", { class: "facts", open: heading === "Machine" }, element("summary", {}, heading),
      element("dl", {}, ...lines.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])))));
}

/** Analyses that only some runs have: where parallel begins to pay, the smallest task, laws. */
function showMore() {
  const place = byId("sizes");
  byId("sizes-lead").append(...data.ladders.map((ladder) => ladder.sentence).filter(Boolean).map((text) => element("p", { class: "lead" }, capital(text))));
  const parts = [...data.ladders.map(ladderParts), ...(data.grains ? [grainParts(data.grains)] : [])];
  for (const { heading, words, drawings, table, after = [] } of parts) {
    drawings.forEach(addTable);
    place.append(element("h2", {}, heading), ...words.map((text) => element("p", {}, capital(text))),
      element("div", { class: "figures" }, ...drawings.map(({ figure }) => figure)), table, ...after.map((text) => element("p", {}, text)));
    lasting.push(...drawings);
    place.hidden = false;
  }
  lasting.forEach(({ draw }) => draw());
  showLaws();
}

/** What the answer rests on: the set of the fastest, what could have been found, best counts, why cases fall short. */
function showFound({ found, words }) {
  const parts = found.notes.map((note) => element("p", { class: "muted" }, note));
  if (found.counts.length > 0) {
    const columns = [{ name: words.one }, { name: "best n", number: true }, { name: "counts that cannot be told from it" }, { name: "the next counts" }];
    parts.push(element("details", {}, element("summary", {}, `The best thread count of each ${words.one}, and its ties`),
      plainTable(`The best thread count of each ${words.one}, and its ties`, columns, found.counts)));
  }
  if (found.shortfalls.length > 0) {
    parts.push(element("details", { open: found.shortfalls.length <= 6 }, element("summary", {}, `Why ${plural(found.shortfalls.length, "case")} fall${found.shortfalls.length === 1 ? "s" : ""} short`),
      element("ul", {}, ...found.shortfalls.map((text) => element("li", {}, text)))));
  }
  byId("found").replaceChildren(...parts);
}

/** The laws that were fitted, and why others were not. */
function showLaws() {
  const laws = data.jobs.flatMap((job) => job.series.filter((series) => series.law).map((series) => ({ job, series, law: series.law })));
  if (laws.length === 0) return;
  const place = byId("more");
  place.hidden = false;
  place.append(element("h2", {}, "Scaling laws"));
  const whose = ({ job, series }) => (data.jobs.length > 1 ? [job.name, series.name] : [series.name]);
  const { one } = data.jobs[0].words;
  const fitted = laws.filter(({ law }) => law.refusal === null);
  const other = (curve) => `${curve.name}: ${curve.text}${isNumber(curve.aicc_above) ? `; AICc +${digits(curve.aicc_above)}` : ""}`;
  const rows = fitted.map((it) => [...whose(it), it.law.name, it.law.parameters.map(([name, value]) => `${name} ${value}`).join("; "),
    it.law.curves.slice(1).map(other).join("; ") || "–", it.law.caveat ?? "–"]);
  const names = [...(data.jobs.length > 1 ? ["job"] : []), one, "law", "parameters", "explains less", "mind"];
  if (rows.length > 0) {
    place.append(plainTable(`The law that explains each ${one} best for its number of parameters, with 95% intervals`, names.map((name) => ({ name })), rows));
  }
  // One reason is told once, whomever it is about.
  const reasons = d3.group(laws.filter(({ law }) => law.refusal !== null), ({ law }) => law.refusal);
  for (const [reason, about] of reasons) {
    const all = about.length === laws.length;
    const names = all ? `Every ${one}` : about.map((it) => whose(it).join(", ")).join("; ");
    place.append(element("p", {}, `${names}: ${reason}.`));
  }
}

/** On paper everything is open. */
function openForPrint() {
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details.facts:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
}

showTheme(chosenTheme());
byId("theme").addEventListener("click", turnTheme);
byId("version").textContent = data.version;
byId("confidence").textContent = `${tickText(100 * data.confidence)}%`;
byId("ending").textContent = data.ending;
byId("thinned").textContent = data.thinned
  ? `Rounds are thinned to ${data.max_dots} dots a case, evenly over the run; medians, boxes and intervals are of all of them.`
  : "Every round that counts is a dot.";
document.title = `nthread: ${data.jobs.map((job) => (isOfKernel(job) ? job.kernel : job.name)).filter((name, i, all) => all.indexOf(name) === i).join(", ")} on ${data.cpu_model || "an unknown CPU"}`;
showJobs();
showWarnings();
showFacts();
showMore();
// Of jobs or tasks of several sizes, the largest: of the smallest nothing is to be had.
const first = data.ladders.length > 0 || data.grains ? Math.max(0, d3.greatestIndex(data.jobs, (job) => job.draws)) : 0;
byId("job").value = String(first);
if (data.jobs.length > 0) showJob(data.jobs[first]);
watchWidth();
openForPrint();
