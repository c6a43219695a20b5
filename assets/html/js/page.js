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

function showJob(job) {
  byId("title").textContent = job.title;
  byId("subtitle").textContent = job.subtitle;
  byId("lead").textContent = job.verdict;
  showFindings(job);
  byId("key").replaceChildren(...job.key.map(([name, value, remark]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value, element("small", {}, remark)))));
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
  byId("warning-list").replaceChildren(...(data.warnings.length === 0 ? [element("p", {}, "None.")] : data.warnings.map(([code, message, advice, about]) =>
    element("div", { class: "warning" },
      element("p", {}, element("code", {}, code), ` ${message}`),
      element("p", {}, `Try: ${advice}`),
      element("p", { class: "muted" }, `Of: ${about}`)))));
}

function showFacts() {
  byId("fact-list").replaceChildren(...data.facts.map(({ heading, lines }) =>
    element("details", { class: "facts", open: heading === "Machine" }, element("summary", {}, heading),
      element("dl", {}, ...lines.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])))));
}

/** Analyses that only some runs have: where parallel begins to pay, the smallest task, laws. */
function showMore() {
  const place = byId("sizes");
  byId("sizes-lead").append(...data.ladders.map((ladder) => ladder.sentence).filter(Boolean).map((text) => element("p", { class: "lead" }, text)));
  const parts = [...data.ladders.map(ladderParts), ...(data.grains ? [grainParts(data.grains)] : [])];
  for (const { heading, words, drawings, table, after = [] } of parts) {
    drawings.forEach(addTable);
    place.append(element("h2", {}, heading), ...words.map((text) => element("p", {}, text)),
      element("div", { class: "figures" }, ...drawings.map(({ figure }) => figure)), table, ...after.map((text) => element("p", {}, text)));
    lasting.push(...drawings);
    place.hidden = false;
  }
  lasting.forEach(({ draw }) => draw());
  showLaws();
}

/** The findings behind the verdict: the set of the fastest, the power, best counts, low efficiencies. */
function showFindings({ notes, counts, shortfalls, loss, one }) {
  const parts = notes.map((note) => element("p", { class: "muted" }, note));
  if (counts.length > 0) {
    const columns = [{ name: one }, { name: "best n", number: true }, { name: "indistinguishable counts" }, { name: "the next counts" }];
    const caption = `The best thread count of each ${one}, and its ties`;
    parts.push(element("details", {}, element("summary", {}, caption), plainTable(caption, columns, counts)));
  }
  if (shortfalls.length > 0) {
    parts.push(element("details", { open: shortfalls.length <= 6 }, element("summary", {}, `${plural(shortfalls.length, "case")} below 80% efficiency, and why`),
      element("ul", {}, ...shortfalls.map((text) => element("li", {}, text)))));
  }
  if (loss.length > 0) {
    const [head, ...rows] = loss;
    const columns = head.map((name, column) => ({ name, number: column > 0 }));
    const caption = "Shares of n times the time, by which the efficiency falls short of 100%";
    parts.push(element("details", {}, element("summary", {}, "Where the capacity goes"), plainTable(caption, columns, rows)));
  }
  byId("found").replaceChildren(...parts);
}

/** The laws that were fitted, and why others were not. */
function showLaws() {
  const { caption, head, rows, refusals } = data.laws;
  if (rows.length === 0 && refusals.length === 0) return;
  const place = byId("more");
  place.hidden = false;
  place.append(element("h2", {}, "Scaling laws"));
  if (rows.length > 0) place.append(plainTable(caption, head.map((name) => ({ name })), rows));
  refusals.forEach((text) => place.append(element("p", {}, text)));
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
byId("confidence").textContent = data.confidence;
byId("ending").textContent = data.ending;
byId("thinned").textContent = data.dots;
document.title = data.title;
showJobs();
showWarnings();
showFacts();
showMore();
byId("job").value = String(data.first);
if (data.jobs.length > 0) showJob(data.jobs[data.first]);
watchWidth();
openForPrint();
