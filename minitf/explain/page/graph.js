// The operations of a graph, in boxes by scope.

const STATES = ["not built", "built", "needed by this run", "has run"];
const GAP = [16, 30], MARGIN = 10, TITLE = 16;

class Graph {
  constructor(graph, name) {
    this.graph = graph;
    this.name = name;
    this.folded = new Set(graph.fold);
    this.scale = 0;
    this.box = make("div", { class: "box graph", tabindex: "0", role: "group", "aria-label": "operations" });
    const zoom = (factor) => () => { this.scale = Math.max(0.15, Math.min(3, this.zoomed() * factor)); this.size(); };
    this.element = make("details", { open: true, class: "whole" }, make("summary", {}, `Graph ${graph.graph} (${graph.nodes.length} operations)`), this.box,
      make("div", { class: "key" }, make("span", {}, "faint: not built yet"), make("span", {}, "dashed frame: needed by this run"), make("span", {}, "bold frame: has run"),
        make("span", {}, "edges: solid data, dashed control, dotted variable"), make("span", {},
          make("button", { type: "button", "aria-label": "smaller", onclick: zoom(0.8) }, "−"), " ", make("button", { type: "button", "aria-label": "larger", onclick: zoom(1.25) }, "+"),
          " click a scope to fold it")));
    this.build();
  }

  toggle(scope) {
    if (!this.folded.delete(scope)) this.folded.add(scope);
    this.build();
    if (this.step !== undefined) this.show(this.step, this.about);
  }

  // Places as in layout.py, with the folded scopes as small nodes.
  build() {
    const { nodes, edges, box } = this.graph, holder = [];
    const short = (name) => name.slice(name.lastIndexOf("/") + 1);
    const label = (text) => (text.length > 22 ? text.slice(0, 21) + "…" : text);
    const members = (child) => (typeof child === "number" ? [child] : child.rows.flat().flatMap(members));
    const size = (child) => {
      if (typeof child === "number") return [Math.max(54, 7 * label(short(nodes[child][0])).length + 16, 5.4 * nodes[child][1].length + 12), 34];
      if (this.folded.has(child.name)) return [Math.max(90, 7 * label(short(child.name)).length + 26), 40];
      const rows = child.rows.map((row) => row.map(size));
      const width = Math.max(0, ...rows.map((row) => row.reduce((sum, s) => sum + s[0], GAP[0] * (row.length - 1))));
      const height = rows.reduce((sum, row) => sum + Math.max(...row.map((s) => s[1])), GAP[1] * Math.max(0, rows.length - 1));
      return [Math.max(width, 8 * short(child.name).length) + 2 * MARGIN, height + 2 * MARGIN + (child.name ? TITLE : 0)];
    };
    this.units = [];
    const shapes = [], back = [];
    const unit = (numbers, x, y, [w, h], text, small, more, scope) => {
      const g = draw("g", { class: "node" + (scope ? " folded" : ""), "data-s": 0, "data-op": scope ? null : nodes[numbers[0]][0], transform: `translate(${x},${y})`,
        onclick: scope ? () => this.toggle(scope) : null }, draw("title", {}, more),
        draw("rect", { width: w, height: h, rx: scope ? 3 : 7 }), draw("text", { x: w / 2, y: h / 2 - 1, "text-anchor": "middle" }, label(text)),
        draw("text", { x: w / 2, y: h / 2 + 11, "text-anchor": "middle", class: "small" }, small));
      const made = { g, numbers, x, y, w, h, shown: 0 };
      this.units.push(made);
      for (const n of numbers) holder[n] = made;
      shapes.push(g);
    };
    const put = (child, x, y, here) => {
      const [w, h] = here;
      if (typeof child === "number") return unit([child], x, y, here, short(nodes[child][0]), nodes[child][1], `${nodes[child][0]}\n${nodes[child][1]} ${nodes[child][2]}`);
      if (this.folded.has(child.name)) { const all = members(child); return unit(all, x, y, here, short(child.name), `▸ ${all.length} operations`, `${child.name}: click to unfold`, child.name); }
      if (child.name) back.push(draw("g", { class: "scope", onclick: (e) => { e.stopPropagation(); this.toggle(child.name); } }, draw("rect", { x, y, width: w, height: h, rx: 8 }),
        draw("text", { x: x + 8, y: y + 14 }, `▾ ${short(child.name)}`)));
      let top = y + MARGIN + (child.name ? TITLE : 0);
      for (const row of child.rows) {
        const sizes = row.map(size), tallest = Math.max(...sizes.map((s) => s[1]));
        let left = x + (w - sizes.reduce((sum, s) => sum + s[0], GAP[0] * (row.length - 1))) / 2;
        row.forEach((inner, i) => { put(inner, left, top + (tallest - sizes[i][1]) / 2, sizes[i]); left += sizes[i][0] + GAP[0]; });
        top += tallest + GAP[1];
      }
    };
    this.full = size(box);
    put(box, 0, 0, this.full);
    const seen = new Set();
    this.edges = [];
    for (const [a, b, kind] of edges) {
      const from = holder[a], to = holder[b], key = `${this.units.indexOf(from)} ${this.units.indexOf(to)} ${kind}`;
      if (!from || !to || from === to || seen.has(key)) continue;
      seen.add(key);
      const x0 = from.x + from.w / 2, y0 = from.y + from.h, x1 = to.x + to.w / 2, y1 = to.y, bend = Math.max(14, Math.abs(y1 - y0) / 2);
      this.edges.push({ from, to, off: null, path: draw("path", { class: `edge ${kind}`, d: `M${x0} ${y0}C${x0} ${y0 + bend} ${x1} ${y1 - bend} ${x1} ${y1}`, "marker-end": `url(#${this.name})` }) });
    }
    this.svg = draw("svg", { viewBox: `0 0 ${this.full[0]} ${this.full[1]}`, role: "img", "aria-label": `graph ${this.graph.graph}` },
      draw("defs", {}, draw("marker", { id: this.name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" }, draw("path", { d: "M0 0L8 4L0 8z", fill: "currentColor" }))),
      ...back, ...this.edges.map((edge) => edge.path), ...shapes);
    this.box.replaceChildren(this.svg);
    this.size();
  }

  zoomed() { return this.scale || Math.max(0.55, Math.min(1, (this.box.clientWidth || 900) / this.full[0])); }

  size() {
    this.svg.setAttribute("width", this.full[0] * this.zoomed());
    this.svg.setAttribute("height", this.full[1] * this.zoomed());
  }

  show(step, about) {
    this.step = step;
    this.about = about;
    const mine = about[2] && about[2][0] === this.graph.graph ? about[2][1] : -1;
    const tracks = this.graph.nodes;
    let first = null;
    for (const unit of this.units) {
      let now = 0;
      for (const n of unit.numbers) now = Math.max(now, state(tracks[n][3], step));
      if (now !== unit.shown) {
        unit.shown = now;
        unit.g.dataset.s = now;
        unit.g.setAttribute("aria-label", STATES[now]);
      }
      const focus = unit.numbers.includes(mine);
      unit.g.classList.toggle("focus", focus);
      if (focus) first = unit.g;
    }
    for (const edge of this.edges) {
      const off = !edge.from.shown || !edge.to.shown;
      if (off !== edge.off) { edge.off = off; edge.path.classList.toggle("off", off); }
    }
    if (first) inView(this.box, first);
  }
}
