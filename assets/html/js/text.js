// The data, and how numbers and elements are made of it.

const data = JSON.parse(document.getElementById("data").textContent);

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

const grouped = (text) => text.replace(/\B(?=(\d{3})+$)/g, ",");

/** Three significant digits; large numbers whole, in groups. As the table on a terminal has it. */
function digits(value) {
  const magnitude = Math.abs(value);
  if (magnitude >= 1000) return (value < 0 ? "−" : "") + grouped(String(Math.round(magnitude)));
  const decimals = magnitude > 0 ? 2 - Math.floor(Math.log10(magnitude * 1.0005)) : 2;
  return value.toFixed(Math.min(9, Math.max(0, decimals))).replace("-", "−");
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A value in a unit, without the unit. */
const inUnit = (value, unit) => (isNumber(value) ? digits(value / unit.size) : "–");

/** The interval in a unit, in brackets; empty where there is none. */
const intervalText = ({ low, high }, unit) =>
  isNumber(low) && isNumber(high) ? `(${inUnit(low, unit)}–${inUnit(high, unit)})` : "";

/** Value, interval and unit: "1.99 (1.98–2.00) ×", "99 (98–99)%". */
function valueText(triple, unit) {
  const text = [inUnit(triple.value, unit), intervalText(triple, unit)].filter(Boolean).join(" ");
  return text + (unit.name === "%" ? "%" : ` ${unit.name}`);
}

const plural = (count, word) => `${grouped(String(count))} ${word}${count === 1 ? "" : "s"}`;
