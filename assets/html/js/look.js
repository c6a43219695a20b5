// How a series looks: the same colours and marks as in the SVG and PNG plots.

// Corners of a mark around (0, 0) for a radius of 1; none for a circle.
const SHAPES = [
  null,
  [[-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]],
  [[0, -1.2], [1.1, 0.8], [-1.1, 0.8]],
  [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
  [[0, 1.2], [1.1, -0.8], [-1.1, -0.8]],
];
const DASHES = [null, "6 3", "2 3"];

/** The looks of the series of that number. The periods of colour, shape, filling and dash differ. */
function look(index) {
  return {
    colour: `var(--s${index % 7})`,
    shape: SHAPES[index % 5],
    hollow: Math.floor(index / 5) % 2 === 1,
    dash: DASHES[Math.floor(index / 7) % 3],
  };
}

/** The outline of a mark around a point. */
function outline(shape, x, y, radius) {
  if (shape === null) return `M${x - radius},${y}a${radius},${radius} 0 1,0 ${2 * radius},0a${radius},${radius} 0 1,0 ${-2 * radius},0Z`;
  return `M${shape.map(([dx, dy]) => `${x + dx * radius},${y + dy * radius}`).join("L")}Z`;
}

/** Draws the mark of a series. */
function paint(selection, style) {
  return selection.style("stroke", style.colour).style("fill", style.hollow ? "var(--card)" : style.colour);
}

/** A small picture of line and mark, for a button. */
function glyph(index) {
  const style = look(index);
  const svg = d3.create("svg").attr("width", 26).attr("height", 12).attr("aria-hidden", "true");
  svg.append("path").attr("class", "curve").attr("d", "M1,6H25").style("stroke", style.colour).attr("stroke-dasharray", style.dash);
  paint(svg.append("path").attr("d", outline(style.shape, 13, 6, 4)), style).style("stroke-width", 1.5);
  return svg.node();
}

/** A small picture of a line of a kind, for the legend. */
function dashGlyph(kind) {
  const svg = d3.create("svg").attr("width", 26).attr("height", 8).attr("aria-hidden", "true");
  svg.append("path").attr("class", kind).attr("d", "M1,4H25").style("stroke", "var(--muted)");
  return svg.node();
}
