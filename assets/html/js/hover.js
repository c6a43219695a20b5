// Reading a drawing: by pointer, by finger, by keyboard.

/**
 * Makes the marks of a drawing readable. `marks`: {node, x, y, row, column, title, lines}; `row` and
 * `column` say where the arrow keys lead. One of them at a time can be reached by Tab.
 */
function readable(place, svg, marks, reach = 48) {
  // What it says is the name of the mark, too: read aloud, it would be heard twice.
  const tip = element("div", { class: "tip", "aria-hidden": "true" });
  const ring = svg.append("circle").attr("class", "ring").attr("r", 8);
  place.append(svg.node(), tip);
  if (marks.length === 0) return;

  function show(mark) {
    tip.replaceChildren(element("b", {}, mark.title), ...mark.lines.map((line) => element("div", {}, line)));
    tip.classList.add("shown");
    ring.attr("cx", mark.x).attr("cy", mark.y).classed("shown", true);
    // The drawing may be shown smaller than it was made.
    const scale = svg.node().getBoundingClientRect().width / Number(svg.attr("width"));
    const [x, y] = [mark.x * scale, mark.y * scale];
    const left = Math.max(0, Math.min(x - tip.offsetWidth / 2, place.clientWidth - tip.offsetWidth));
    const above = y - tip.offsetHeight - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${above >= 0 ? above : y + 14}px`;
  }
  function hide() {
    tip.classList.remove("shown");
    ring.classed("shown", false);
  }
  function nearest(event) {
    const [x, y] = d3.pointer(event, svg.node());
    const found = d3.least(marks, (mark) => (mark.x - x) ** 2 + (mark.y - y) ** 2);
    return (found.x - x) ** 2 + (found.y - y) ** 2 <= reach ** 2 ? found : null;
  }
  function focus(mark) {
    marks.forEach((other) => other.node.setAttribute("tabindex", other === mark ? "0" : "-1"));
    mark.node.focus();
  }
  /** The mark to which a key leads from another. */
  function led(from, key) {
    const inRow = marks.filter((mark) => mark.row === from.row).sort((a, b) => a.column - b.column);
    const at = inRow.indexOf(from);
    const rows = d3.sort(new Set(marks.map((mark) => mark.row)));
    const row = rows.indexOf(from.row);
    const closest = (row) => d3.least(marks.filter((mark) => mark.row === row), (mark) => Math.abs(mark.column - from.column));
    return { ArrowRight: inRow[at + 1], ArrowLeft: inRow[at - 1], Home: inRow[0], End: inRow[inRow.length - 1],
      ArrowDown: closest(rows[row + 1]), ArrowUp: closest(rows[row - 1]) }[key];
  }
  svg.on("pointermove pointerdown", (event) => { const mark = nearest(event); if (mark) show(mark); else hide(); });
  svg.on("pointerleave", hide);
  marks.forEach((mark, index) => {
    mark.node.setAttribute("tabindex", index === 0 ? "0" : "-1");
    mark.node.setAttribute("role", "img");
    mark.node.setAttribute("aria-label", [mark.title, ...mark.lines].join(": "));
    mark.node.addEventListener("focus", () => show(mark));
    mark.node.addEventListener("blur", hide);
    mark.node.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const next = led(mark, event.key);
      if (["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) event.preventDefault();
      if (next) focus(next);
    });
  });
}
