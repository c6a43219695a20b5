// Tables: of the cases, and of the figures of a plot.

/** A table in a frame that scrolls by itself where it is too wide. */
function framed(label, table) {
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, table);
}

/** A plain table: `columns` of {name, number}, rows of text. */
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

/** What a column is sorted by: the value of a cell, or its text. */
const sortKey = (row, column) => row.cells[column][1] ?? (row.cells[column][0] === "–" ? null : row.cells[column][0]);

/** The rows in the order of a column; those without a value last. */
function sorted(rows, column, direction) {
  const known = rows.filter((row) => sortKey(row, column) !== null);
  const unknown = rows.filter((row) => !known.includes(row));
  return [...known.sort((a, b) => direction * d3.ascending(sortKey(a, column), sortKey(b, column))), ...unknown];
}

/** A cell: the interval, which stands in brackets, is less dark than its value. */
function cellParts(text) {
  const at = text.indexOf(" (");
  return at < 0 ? [text] : [text.slice(0, at), element("span", { class: "interval" }, text.slice(at))];
}

/** The table of a job's cases: the best of each backend or all, sorted by any column. */
function caseTable(job, place) {
  const all = job.table.rows;
  const best = all.filter((row) => job.best.includes(row.case));
  const state = { rows: all.length > 16 && best.length > 0 ? best : all, column: null, direction: 1 };
  const choose = (rows) => { state.rows = rows; draw(); };

  function draw() {
    const rows = state.column === null ? state.rows : sorted(state.rows, state.column, state.direction);
    const head = job.table.head.map((column, index) => headCell(column, index, state, draw));
    const line = (row) => element("tr", { class: row.case === job.winner ? "best" : null }, ...row.cells.map(([text], index) =>
      element(index === 0 ? "th" : "td", { scope: index === 0 ? "row" : null, class: job.table.head[index].is_text ? (index === 0 ? null : "short") : "number" }, ...cellParts(text))));
    const caption = state.rows === all ? `All ${plural(all.length, "case")}` : `The best thread count of each ${job.one}`;
    const table = element("table", {},
      element("caption", {}, element("span", {}, `${caption}; intervals of ${data.confidence} or more in brackets`)),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows.map(line)));
    const toggle = (name, rows) => element("button", { type: "button", "aria-pressed": String(state.rows === rows), onclick: () => choose(rows) }, name);
    const choice = element("p", { class: "choice", role: "group", "aria-label": "Rows of the table" },
      toggle(`Best of each ${job.one}`, best), toggle(`All ${plural(all.length, "case")}`, all));
    const focused = document.activeElement?.dataset?.column;
    place.replaceChildren(...(best.length < all.length ? [choice] : []), framed("Cases", table), ...notes(job, rows));
    if (focused) place.querySelector(`[data-column="${CSS.escape(focused)}"]`)?.focus();
  }
  draw();
}

/** The head of a column: a button that sorts by it. */
function headCell(column, index, state, draw) {
  const isChosen = state.column === index;
  const sort = isChosen ? (state.direction > 0 ? "ascending" : "descending") : null;
  const click = () => {
    state.direction = isChosen ? -state.direction : 1;
    state.column = index;
    draw();
  };
  return element("th", { scope: "col", class: column.is_text ? null : "number", "aria-sort": sort },
    element("button", { type: "button", onclick: click, "data-column": column.name, title: "sort" }, column.name));
}

/** The meaning of the marks in the table, and what failed. */
function notes(job, rows) {
  const isShown = (mark) => rows.some((row) => row.cells.some(([text]) => text.includes(mark)));
  return [...job.marks.filter(([mark]) => isShown(mark)).map(([, text]) => element("p", { class: "muted" }, text)),
    ...job.problems.map((text) => element("p", { class: "problem" }, text))];
}
