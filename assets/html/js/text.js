// The data, and how numbers and elements are made of it.

const data = JSON.parse(document.getElementById("data").textContent);

/** The cases as objects; what no case has is left out of the table, and null here. */
const cases = data.cases.rows.map((row, index) =>
  Object.fromEntries([["index", index], ...row.map((value, column) => [data.cases.columns[column], value])]));

/** An element with attributes and children. A string among these stays text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);

/** Units, largest first, with what one of them is worth. */
const TIMES = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
const RATES = [["G draws/s", 1e9], ["M draws/s", 1e6], ["k draws/s", 1e3], ["draws/s", 1]];
const RATIO = [["×", 1]];
const SHARE = [["%", 0.01]];

/** The largest unit of which the value is at least one. */
function fitting(units, value) {
  const found = units.find(([, size]) => Math.abs(value) >= size) ?? units[units.length - 1];
  return { name: found[0], size: found[1] };
}

const grouped = (text) => text.replace(/\B(?=(\d{3})+$)/g, ",");

/** Three digits that count; large numbers whole, in groups. As the table on a terminal has it. */
function digits(value) {
  const magnitude = Math.abs(value);
  if (magnitude >= 1000) return (value < 0 ? "−" : "") + grouped(String(Math.round(magnitude)));
  const decimals = magnitude > 0 ? 2 - Math.floor(Math.log10(magnitude * 1.0005)) : 2;
  return value.toFixed(Math.min(9, Math.max(0, decimals))).replace("-", "−");
}

/** A number on an axis: no more digits than it needs. */
function tickText(value) {
  const text = String(Number(value.toPrecision(6))).replace("-", "−");
  return /^−?\d{5,}$/.test(text) ? grouped(text) : text;
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A value of `{value, low, high}` in a unit, without the unit. */
const inUnit = (value, unit) => (isNumber(value) ? digits(value / unit.size) : "–");

/** The interval in a unit, in brackets; empty where there is none. */
const intervalText = ({ low, high }, unit) =>
  isNumber(low) && isNumber(high) ? `(${inUnit(low, unit)}–${inUnit(high, unit)})` : "";

/** Value, interval and unit: "1.99 (1.98–2.00) ×", "99 (98–99)%". */
function valueText(triple, unit) {
  const text = [inUnit(triple.value, unit), intervalText(triple, unit)].filter(Boolean).join(" ");
  return text + (unit.name === "%" ? "%" : ` ${unit.name}`);
}

const plural = (count, word, many = `${word}s`) => `${grouped(String(count))} ${count === 1 ? word : many}`;

/** What a case shows of each thing that is measured. */
const timeOf = (c) => ({ value: c.median_ns, low: c.median_low_ns, high: c.median_high_ns });
const speedupOf = (c) => ({ value: c.speedup, low: c.speedup_low, high: c.speedup_high });
const efficiencyOf = (c) => ({ value: c.efficiency, low: c.efficiency_low, high: c.efficiency_high });
function throughputOf(c) {
  const at = (ns) => (isNumber(ns) ? (c.throughput * c.median_ns) / ns : null);
  return { value: c.throughput, low: at(c.median_high_ns), high: at(c.median_low_ns) };
}
