// The frame of a drawing: size, scales, axes.

const MARGIN = { top: 12, right: 16, bottom: 36 };

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

/** Ticks of a value axis. A logarithmic one prefers 1, 2 and 5. */
function valueTicks(scale, isLog) {
  const [low, high] = scale.domain();
  if (!isLog) return scale.ticks(6);
  const round = (tick) => [1, 2, 5].includes(Number(tick.toExponential(6).split("e")[0]));
  const all = scale.ticks();
  const preferred = all.filter(round);
  const ticks = preferred.length >= 3 ? preferred : all.length >= 3 ? all : d3.ticks(low, high, 5);
  const kept = [];
  for (const tick of ticks) {
    if (kept.every((other) => Math.abs(scale(other) - scale(tick)) >= 20)) kept.push(tick);
  }
  return kept;
}

/** The domain of values, with room around them. */
function padded([low, high], isLog) {
  if (isLog) {
    const room = Math.max((high / low) ** 0.06, 1.02);
    return [low / room, high * room];
  }
  const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  // Near zero the axis begins there: heights can be compared.
  const bottom = low >= 0 && low < 0.5 * high ? 0 : low - room;
  return [bottom, high + room];
}

/**
 * An svg of the width of its place, with axes. `x`: {counts, isLog}, where these are no thread
 * counts {ticks, text, name}, and how far marks lie beside a count {beside}; `y`: {domain, isLog}, in the unit that is shown.
 */
function frame(width, height, x, y, label) {
  const svg = d3.create("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("width", width).attr("height", height)
    .attr("role", "group").attr("aria-label", label);
  const yScale = (y.isLog ? d3.scaleLog() : d3.scaleLinear()).domain(padded(y.domain, y.isLog)).range([height - MARGIN.bottom, MARGIN.top]);
  const yTicks = valueTicks(yScale, y.isLog);
  const left = 14 + 7 * (d3.max(yTicks, (tick) => tickText(tick).length) ?? 1);
  const right = width - MARGIN.right;
  const [first, last] = [x.counts[0], x.counts[x.counts.length - 1]];
  const inset = Math.max(Math.min(18, (right - left) * 0.05), Math.min((x.beside ?? 0) + 6, (right - left) * 0.12));
  const xScale = (x.isLog ? d3.scaleLog() : d3.scaleLinear())
    .domain(first === last ? [first * 0.5, first * 1.5] : [first, last]).range([left + inset, right - inset]);
  axes(svg, { left, right, height }, xScale, yScale, { ticks: spaced(x.ticks ?? x.counts, xScale, x.text ? 52 : 26), text: x.text ?? tickText, name: x.name ?? "threads" }, yTicks);
  return { svg, x: xScale, y: yScale, left, right, top: MARGIN.top, bottom: height - MARGIN.bottom };
}

/** Lines and numbers of both axes. */
function axes(svg, { left, right, height }, x, y, xTicks, yTicks) {
  const bottom = height - MARGIN.bottom;
  const shade = svg.append("g").attr("class", "behind");
  const axis = svg.append("g").attr("class", "axis").attr("aria-hidden", "true");
  for (const tick of yTicks) {
    axis.append("line").attr("x1", left).attr("x2", right).attr("y1", y(tick)).attr("y2", y(tick));
    axis.append("text").attr("x", left - 6).attr("y", y(tick)).attr("dy", "0.32em").attr("text-anchor", "end").text(tickText(tick));
  }
  axis.append("line").attr("class", "base").attr("x1", left).attr("x2", right).attr("y1", bottom).attr("y2", bottom);
  for (const tick of xTicks.ticks) {
    axis.append("line").attr("class", "base").attr("x1", x(tick)).attr("x2", x(tick)).attr("y1", bottom).attr("y2", bottom + 4);
    axis.append("text").attr("x", x(tick)).attr("y", bottom + 16).attr("text-anchor", "middle").text(xTicks.text(tick));
  }
  axis.append("text").attr("x", right).attr("y", bottom + 31).attr("text-anchor", "end").text(xTicks.name);
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
