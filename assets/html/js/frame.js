// The frame of a drawing: size, scales, axes.

const MARGIN = { top: 14, right: 16, bottom: 36 };

/** Of `ticks` those whose places are at least `gap` apart; the first and the last stay. */
function spaced(ticks, place, gap) {
  const kept = [];
  for (const tick of ticks) {
    if (kept.length === 0 || Math.abs(place(tick) - place(kept[kept.length - 1])) >= gap) kept.push(tick);
  }
  const last = ticks[ticks.length - 1];
  if (kept.length > 1 && kept[kept.length - 1] !== last) {
    if (Math.abs(place(last) - place(kept[kept.length - 1])) < gap) kept.pop();
    kept.push(last);
  }
  return kept;
}

/** A scale of d3 for an axis of the data. */
function scaleOf({ scale, low, high }, range) {
  const domain = low === high ? [low * 0.5, low * 1.5] : [low, high];
  return (scale === "log" ? d3.scaleLog() : d3.scaleLinear()).domain(domain).range(range);
}

/**
 * An svg of the width of its place, with the axes `x` and `y` of the data. `margin` is what marks
 * need beside the first and the last value, `gap` what the texts of the x axis need.
 */
function frame(width, height, x, y, label, margin, gap) {
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", label);
  const yScale = scaleOf(y, [height - MARGIN.bottom, MARGIN.top]);
  const left = 14 + 7 * (d3.max(y.ticks, ([, text]) => text.length) ?? 1);
  const right = width - MARGIN.right;
  const inset = Math.max(Math.min(18, (right - left) * 0.05), Math.min(margin + 6, (right - left) * 0.12));
  const xScale = scaleOf(x, [left + inset, right - inset]);
  axes(svg, { left, right, height }, xScale, yScale, spaced(x.ticks, ([value]) => xScale(value), gap), spaced(y.ticks, ([value]) => yScale(value), 16), x.label);
  return { svg, x: xScale, y: yScale, left, right, top: MARGIN.top, bottom: height - MARGIN.bottom };
}

/** Lines and numbers of both axes. */
function axes(svg, { left, right, height }, x, y, xTicks, yTicks, xLabel) {
  const bottom = height - MARGIN.bottom;
  const shade = svg.append("g").attr("class", "behind");
  const axis = svg.append("g").attr("class", "axis").attr("aria-hidden", "true");
  for (const [tick, text] of yTicks) {
    axis.append("line").attr("x1", left).attr("x2", right).attr("y1", y(tick)).attr("y2", y(tick));
    axis.append("text").attr("x", left - 6).attr("y", y(tick)).attr("dy", "0.32em").attr("text-anchor", "end").text(text);
  }
  axis.append("line").attr("class", "base").attr("x1", left).attr("x2", right).attr("y1", bottom).attr("y2", bottom);
  for (const [tick, text] of xTicks) {
    axis.append("line").attr("class", "base").attr("x1", x(tick)).attr("x2", x(tick)).attr("y1", bottom).attr("y2", bottom + 4);
    axis.append("text").attr("x", x(tick)).attr("y", bottom + 16).attr("text-anchor", "middle").text(text);
  }
  axis.append("text").attr("x", right).attr("y", bottom + 31).attr("text-anchor", "end").text(xLabel);
  return shade;
}

/** A clip path of the area between the axes. */
function clipped(shape, id) {
  shape.svg.append("clipPath").attr("id", id).append("rect")
    .attr("x", shape.left).attr("y", shape.top - 6).attr("width", shape.right - shape.left).attr("height", shape.bottom - shape.top + 6);
  return `url(#${id})`;
}

/** Text that is cut to a width, with the whole of it as its title. */
function fittedText(text, words, width) {
  const letters = Array.from(words);
  text.text(words);
  if (text.node().getComputedTextLength() <= width) return;
  let [low, high] = [0, letters.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    text.text(`${letters.slice(0, middle).join("")}…`);
    if (text.node().getComputedTextLength() <= width) low = middle; else high = middle - 1;
  }
  text.text(`${letters.slice(0, low).join("")}…`);
  text.append("title").text(words);
}
