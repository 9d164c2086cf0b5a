"""What a page owes to everybody who uses it: names, headings, landmarks, contrast, room. Asked of the page as it is rendered."""

from .browser import Browser

# Each rule gives sentences about what is wrong; none: all is well.
_RULES = r"""
const wrong = [];
const seen = (e) => {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  return box.width > 0 && box.height > 0 && style.visibility !== "hidden" && style.display !== "none";
};
const show = (e) => e.outerHTML.replace(/\s+/g, " ").slice(0, 160);
const text = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)).filter(Boolean)
  .map((e) => e.textContent).join(" ").trim();
const name = (e) => (e.getAttribute("aria-label") || (e.hasAttribute("aria-labelledby") ? text(e.getAttribute("aria-labelledby")) : "")
  || (e.labels && e.labels.length ? [...e.labels].map((l) => l.textContent).join(" ") : "")
  || (["INPUT", "SELECT", "TEXTAREA", "PROGRESS"].includes(e.tagName) ? "" : e.textContent) || e.getAttribute("title") || "").trim();

if (!document.documentElement.lang) wrong.push("the page says no language");
if (!document.title.trim()) wrong.push("the page has no title");
if (!/width=device-width/.test(document.querySelector("meta[name=viewport]")?.content || "")) wrong.push("no viewport");
if (document.querySelectorAll("main").length !== 1) wrong.push("there is not one main");
const headings = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")];
if (headings.filter((e) => e.tagName === "H1").length !== 1) wrong.push("there is not one h1");
const inside = [...document.querySelectorAll("main h1,main h2,main h3,main h4")].map((e) => +e.tagName[1]);
inside.forEach((level, i) => { if (i && level > inside[i - 1] + 1) wrong.push(`h${level} follows h${inside[i - 1]}`); });
for (const e of headings) if (!e.textContent.trim()) wrong.push("an empty heading: " + show(e));
for (const e of document.querySelectorAll("a[href],button,summary,input:not([type=hidden]),select,textarea,progress,[role=region]"))
  if (seen(e) && !name(e)) wrong.push("without a name: " + show(e));
for (const e of document.querySelectorAll("svg"))
  if (e.getAttribute("aria-hidden") !== "true" && !(e.getAttribute("role") === "img" && e.getAttribute("aria-label")))
    wrong.push("a drawing that is neither named nor hidden: " + show(e));
for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) wrong.push("a picture without alt: " + show(e));
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) wrong.push("the id twice: " + id);
for (const attribute of ["aria-labelledby"])
  for (const e of document.querySelectorAll(`[${attribute}]`))
    for (const id of e.getAttribute(attribute).split(/\s+/)) if (!document.getElementById(id)) wrong.push(attribute + " leads nowhere: " + id);
for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) wrong.push("an order of its own: " + show(e));
for (const e of document.querySelectorAll("table")) {
  if (!e.querySelector("thead th[scope=col]")) wrong.push("a table without heads: " + show(e));
  for (const row of e.querySelectorAll("tbody tr")) if (!row.querySelector("th[scope=row]")) wrong.push("a row without a head: " + show(row));
}
const navs = [...document.querySelectorAll("nav")].map((e) => e.getAttribute("aria-label"));
if (navs.some((label) => !label) || new Set(navs).size !== navs.length) wrong.push("navigations that cannot be told apart: " + navs);
for (const e of document.querySelectorAll("fieldset")) if (!e.querySelector("legend")?.textContent.trim()) wrong.push("a group without a legend");
for (const e of document.querySelectorAll("[style],style,script:not([src])")) wrong.push("styled or scripted in place: " + show(e));
for (const e of document.querySelectorAll("*")) for (const a of e.attributes) if (/^on/i.test(a.name)) wrong.push("a handler in place: " + show(e));
for (const e of document.querySelectorAll("[href],[src],form[action]")) {
  const url = new URL(e.getAttribute("href") || e.getAttribute("src") || e.getAttribute("action"), location.href);
  if (url.origin !== location.origin) wrong.push("it leads elsewhere: " + show(e));
}
if (document.documentElement.scrollWidth > innerWidth) {
  const wide = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
    && ![...function* () { for (let p = e.parentElement; p; p = p.parentElement) yield p; }()].some((p) => getComputedStyle(p).overflowX === "auto"));
  wrong.push(`it scrolls sideways, ${document.documentElement.scrollWidth} of ${innerWidth}: ` + wide.slice(0, 2).map(show).join(" | "));
}
return wrong;
"""

# WCAG 2.2, 1.4.3 and 1.4.11: the contrast of each text with what is painted behind it, and of each field's edge.
_CONTRAST = r"""
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const read = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = "#000"; canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
};
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const behind = (e) => {
  const layers = [];
  for (let p = e; p; p = p.parentElement) { const c = read(getComputedStyle(p).backgroundColor); layers.push(c); if (c[3] === 1) break; }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const wrong = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || e.closest("svg,script,noscript,[hidden]")) continue;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  if (!box.width || box.width <= 1 || style.visibility === "hidden") continue;
  const back = behind(e), found = contrast(over(read(style.color), back), back);
  const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && +style.fontWeight >= 700);
  if (found < (isLarge ? 3 : 4.5)) wrong.add(`${found.toFixed(2)}: ${style.color} on ${back.slice(0, 3).map(Math.round)}: ${e.tagName} ${e.className} ${walker.currentNode.textContent.trim().slice(0, 40)}`);
}
for (const e of document.querySelectorAll("input:not([type=hidden],[type=checkbox],[type=radio]),select,textarea")) {
  if (!e.getBoundingClientRect().width) continue;
  const found = contrast(read(getComputedStyle(e).borderTopColor), behind(e.parentElement));
  if (found < 3) wrong.add(`${found.toFixed(2)}: the edge of ${e.name}`);
}
return [...wrong];
"""


def faults(browser: Browser) -> list[str]:
    """What is wrong with the page that is shown, at the width that it is shown at."""
    return browser.driver.execute_script(_RULES)


def contrast_faults(browser: Browser) -> list[str]:
    """Texts and edges of the page that is shown which do not stand out from their ground."""
    return browser.driver.execute_script(_CONTRAST)
