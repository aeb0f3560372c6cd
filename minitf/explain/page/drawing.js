// Elements, tracks of states, and what is to be in view. The parts of the script are joined by player.py into one function.

const page = document.querySelector(".minitf-player");
const SVG = "http://www.w3.org/2000/svg";
const find = (selector, below = page) => below.querySelector(selector);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") { if (value) element.addEventListener("click", value); }
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

async function read() {
  const text = document.getElementById("minitf-book").textContent;
  if (text.startsWith("{")) return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

// The last entry of a track at or before a step, or null.
function entry(track, step) {
  let low = 0, high = track.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle][0] <= step) low = middle + 1; else high = middle;
  }
  return low ? track[low - 1] : null;
}
const state = (track, step) => { const found = entry(track, step); return found ? found[1] : 0; };

// What shall be in view after a step: [box, element]. All are measured, then all are scrolled, so that the page is laid out once.
let wanted = [];
const inView = (box, element) => { if (element) wanted.push([box, element]); };

function scroll() { // the boxes, never the page
  const moves = wanted.filter(([, element]) => element.getClientRects().length).map(([box, element]) => {
    const outer = box.getBoundingClientRect(), inner = element.getBoundingClientRect();
    const down = inner.top < outer.top + 4 || inner.bottom > outer.bottom - 4 ? inner.top - outer.top - box.clientHeight / 3 : 0;
    const right = inner.left < outer.left || inner.right > outer.right ? inner.left - outer.left - box.clientWidth / 3 : 0;
    return [box, down, right];
  });
  wanted = [];
  for (const [box, down, right] of moves) {
    if (down) box.scrollTop += down;
    if (right) box.scrollLeft += right;
  }
}
