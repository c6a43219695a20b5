// Everything on the page that cannot be read: text that is cut off, that lies outside of its drawing
// or on other text of it; and a page that is wider than its window. A list of sentences.
(() => {
  const found = [];
  const say = (what, element) => found.push(`${what}: ${element.tagName} ${element.className.baseVal ?? element.className} ${JSON.stringify(element.textContent.slice(0, 60))}`);
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} wide in a window of ${root.clientWidth}`);

  const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
  const inScroller = (element) => element.closest(".scroll") !== null;
  for (const element of document.body.querySelectorAll("h1, h2, h3, p, li, dt, dd, th, td, caption, button, legend, summary, code, span, a, b, label, figcaption, div, select")) {
    if (!element.checkVisibility() || scrolls(element)) continue;
    const style = getComputedStyle(element);
    if (style.display !== "inline" && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1) && style.overflow !== "visible") say("cut off", element);
    const box = element.getBoundingClientRect();
    if ((!inScroller(element) || element.matches("caption span")) && !element.matches(".tip, .tip *, .skip") && (box.right > root.clientWidth + 1 || box.left < -1)) say("beside the window", element);
    if (!element.matches("div, figcaption, td, th") && style.display !== "inline" && element.scrollWidth > element.clientWidth + 1) say("wider than its place", element);
  }

  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent);
    const boxes = texts.map((text) => text.getBoundingClientRect());
    texts.forEach((text, i) => {
      const box = boxes[i];
      if (box.left < frame.left - 0.5 || box.right > frame.right + 0.5 || box.top < frame.top - 1.5 || box.bottom > frame.bottom + 1.5) say("outside of its drawing", text);
      for (let j = 0; j < i; j++) {
        const other = boxes[j];
        const wide = Math.min(box.right, other.right) - Math.max(box.left, other.left);
        const high = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
        if (wide > 0.5 && high > 3) say(`on ${JSON.stringify(texts[j].textContent)}`, text);
      }
    });
  }
  return found;
})()
