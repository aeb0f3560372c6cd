// The page: its parts for each timeline, and the ways to step through it. Everything is given with its place and its track of
// states ([step, state] pairs), so any position can be shown at once; only what differs from the last one is touched.

const book = await read();
const last = book.positions.length;
let position = -1, playing = null;
const stepsAt = (p) => (p > 0 ? book.positions[p - 1] : book.lanes.map(() => 0));
const placeAt = (p) => {
  const steps = stepsAt(p), before = stepsAt(p - 1);
  for (let i = 0; i < steps.length; i++) if (p > 0 && steps[i] !== before[i]) return book.lanes[i].steps[steps[i] - 1].slice(4, 6);
  return [-1, -1];
};

const forLane = (i) => (step) => go(book.positions.findIndex((p) => p[i] >= step) + 1);
const program = new Program(book, (source, line) => {
  const hit = (p) => { const [s, l] = placeAt(p); return s === source && l === line; };
  for (let n = 1; n <= last; n++) { const p = (position + n - 1) % last + 1; if (hit(p)) return go(p); }
});
const lanes = book.lanes.map((lane, i) => {
  const parts = [];
  const actors = [...new Set(lane.steps.map((s) => s[3]).filter(Boolean))];
  if (actors.length > 1 && lane.steps.length <= 1000) parts.push(new Actors(lane, actors, forLane(i)));
  if (lane.live.length || lane.saved.length) parts.push(new Objects(lane));
  if (lane.values.length) parts.push(new Values(lane));
  for (const graph of lane.graphs) parts.push(new Graph(graph, `minitf-arrow-${i}-${graph.graph}`));
  if (lane.files.length) parts.push(new Files(lane));
  parts.push(new Steps(lane, forLane(i)));
  const panels = make("div", { class: book.lanes.length > 1 ? "" : "panels" }, ...parts.map((part) => part.element));
  const element = make("section", { class: "lane", "aria-label": lane.title }, ...(book.lanes.length > 1 ? [make("h2", {}, lane.title)] : []), panels);
  return { lane, parts, element, now: make("p") };
});

const slider = find("input");
slider.max = last;
find(".now").append(...lanes.map((lane) => lane.now));
const body = find(".body");
if (program.book.sources.some((s) => s.text)) body.append(program.element);
if (book.arrivals.length) {
  const cell = (text, p) => make("td", {}, p ? make("a", { href: `#step=${p}` }, text) : text);
  body.append(make("details", { open: true }, make("summary", {}, "When each value arrives"), make("div", { class: "box values" }, make("table", {},
    make("thead", {}, make("tr", {}, make("th", {}, "value"), ...book.lanes.map((lane) => make("th", {}, lane.title)))),
    make("tbody", {}, ...book.arrivals.map(([name, ...cells]) => make("tr", {}, make("td", {}, name), ...cells.map(([text, p]) => cell(text, p)))))))));
}
body.append(make("div", { class: "lanes" + (lanes.length > 1 ? " two" : "") }, ...lanes.map((lane) => lane.element)));

function go(wanted) {
  const next = Math.max(0, Math.min(last, Math.round(wanted)));
  if (next === position || Number.isNaN(next)) return;
  const steps = stepsAt(next), before = stepsAt(next - 1);
  position = next;
  slider.value = next;
  lanes.forEach(({ lane, parts, now }, i) => {
    const step = steps[i], fresh = next > 0 && step !== before[i], s = step > 0 ? lane.steps[step - 1] : null;
    const about = s && fresh ? s[6] : [[], null, null];
    for (const part of parts) part.show(step, about);
    now.replaceChildren();
    if (lanes.length > 1) now.append(make("strong", {}, `${lane.title}: `));
    if (!s) now.append("nothing has happened yet");
    else {
      now.append(make("span", { class: "tag" }, s[0]));
      if (s[2]) now.append(make("span", { class: `tag ${s[2]}` }, s[2]));
      if (s[3]) now.append(make("span", { class: "tag" }, s[3]));
      now.append(s[1]);
    }
    now.style.opacity = fresh || !next ? 1 : 0.55;
  });
  slider.setAttribute("aria-valuetext", `step ${next} of ${last}: ${lanes.map((lane) => lane.now.textContent).join("; ")}`);
  find(".count").textContent = `${next} / ${last}`;
  program.show(placeAt(next));
  scroll();
  try { history.replaceState(null, "", `#step=${next}`); } catch { /* in a frame without an address of its own */ }
}

function line(direction) { // to the next or last step on another line of the program
  const key = (p) => placeAt(p).join(":");
  let p = position;
  if (direction < 0) while (p > 0 && key(p) === key(position)) p--;
  else while (p < last && key(p) === key(position)) p++;
  if (direction < 0) { const here = key(p); while (p > 1 && key(p - 1) === here) p--; }
  go(p);
}

function play() {
  const button = find("[data-do=play]");
  if (playing) { clearInterval(playing); playing = null; } else {
    if (position === last) go(0);
    playing = setInterval(() => { if (position >= last) play(); else go(position + 1); }, 700);
  }
  button.textContent = playing ? "pause" : "play";
}

const acts = { first: () => go(0), back: () => go(position - 1), forward: () => go(position + 1), last: () => go(last),
  lineback: () => line(-1), line: () => line(1), play,
  theme: () => { page.classList.toggle("dark"); chosen = true; } };
let chosen = false;
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => { if (!chosen) page.classList.toggle("dark", dark.matches); };
dark.addEventListener("change", theme);
theme();
for (const button of page.querySelectorAll("[data-do]")) button.addEventListener("click", acts[button.dataset.do]);
slider.addEventListener("input", () => go(Number(slider.value)));
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const box = e.target.closest && e.target.closest(".box");
  const keys = { ArrowRight: () => (e.shiftKey ? line(1) : go(position + 1)), ArrowLeft: () => (e.shiftKey ? line(-1) : go(position - 1)),
    Home: () => go(0), End: () => go(last), n: () => line(1), p: () => line(-1) };
  if (!keys[e.key] || (box && (e.key === "Home" || e.key === "End"))) return;
  e.preventDefault();
  keys[e.key]();
});
const fromAddress = () => { const found = /step=(\d+)/.exec(location.hash); if (found) go(Number(found[1])); return Boolean(found); };
addEventListener("hashchange", fromAddress);
if (!fromAddress()) go(0);
page.dataset.ready = "true";
