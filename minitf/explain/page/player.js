// Shows one position of a recorded program at a time. The page is given everything with its place and its track of states
// ([step, state] pairs), so that any position can be shown at once; only what differs from the last one is touched.
"use strict";
(async () => {
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

  const LIVE = [["·", "not there yet"], ["○", "there, but nothing refers to it at this place"], ["●", "there"]];
  const SAVED = [["·", "not read yet"], ["○", "not reached"], ["◔", "waits for its object"], ["◐", "matched"],
    ["◑", "matched, restore operation built"], ["●", "restored"], ["✕", "not used"]];
  const STATES = ["not built", "built", "needed by this run", "has run"];

  // -- outlines ----------------------------------------------------------------------------------------------------------

  class Outline {
    constructor(rows, folded, states, changed) {
      this.rows = rows;
      this.states = states;
      this.folded = new Set(folded);
      this.changed = changed;
      this.element = make("div", { role: "tree" });
      this.byNode = new Map();
      this.lines = rows.map((row, i) => this.line(row, i));
      this.shown = rows.map(() => -1);
      this.element.append(...this.lines.map((line) => line.element));
      this.hide();
    }

    line([name, kind, depth, , refers, cycle, node], i) {
      const parent = this.rows[i + 1] && this.rows[i + 1][3] === i;
      const fold = parent ? make("button", { class: "fold", type: "button", onclick: () => this.toggle(i) }) : make("span", { class: "fold" });
      const dot = make("span", { class: "dot", "aria-hidden": "true" });
      const text = refers < 0 ? name : `${name} ${cycle ? "↻" : "↗"} ${this.place(refers)}`;
      const more = refers < 0 ? kind : cycle ? "cycle: the object is above" : "shared: the same object";
      const element = make("div", { class: "row" + (refers < 0 ? "" : " refers"), role: "treeitem", "aria-level": depth + 1,
        style: `--d:${depth}`, title: `${text}  ${more}`, onclick: refers < 0 ? null : () => this.point(refers) }, fold, dot, make("span", { class: "name" }, text), make("span", { class: "kind" }, more));
      if (refers < 0) this.byNode.set(node, i);
      return { element, fold, dot, text, more, parent };
    }

    place(i) {
      const names = [];
      for (let at = i; at >= 0; at = this.rows[at][3]) names.unshift(this.rows[at][0]);
      return names.join(".");
    }

    toggle(i) {
      if (!this.folded.delete(i)) this.folded.add(i);
      this.hide();
      this.changed();
    }

    // Shows the row of the object that a further edge refers to.
    point(i) {
      for (let at = this.rows[i][3]; at >= 0; at = this.rows[at][3]) this.folded.delete(at);
      this.hide();
      this.changed();
      const { element } = this.lines[i];
      element.classList.add("focus");
      inView(element.closest(".box"), element);
      scroll();
    }

    hide() {
      this.hidden = this.rows.map(() => false);
      this.rows.forEach((row, i) => {
        this.hidden[i] = row[3] >= 0 && (this.hidden[row[3]] || this.folded.has(row[3]));
        this.lines[i].element.hidden = this.hidden[i];
        if (this.lines[i].parent) {
          this.lines[i].fold.textContent = this.folded.has(i) ? "▸" : "▾";
          this.lines[i].element.setAttribute("aria-expanded", !this.folded.has(i));
          this.lines[i].fold.setAttribute("aria-label", `${this.folded.has(i) ? "unfold" : "fold"} ${this.lines[i].text}`);
        }
      });
    }

    // The row that stands for a node now: its own, or the folded one above it.
    visible(node) {
      let i = this.byNode.has(node) ? this.byNode.get(node) : -1;
      while (i >= 0 && this.hidden[i]) i = this.rows[i][3];
      return i < 0 ? null : this.lines[i].element;
    }

    show(step, focus) {
      this.rows.forEach((row, i) => {
        const now = state(row[7], step), line = this.lines[i];
        if (now !== this.shown[i]) {
          this.shown[i] = now;
          line.dot.textContent = this.states[now][0];
          line.element.dataset.s = now;
          line.element.classList.toggle("off", now === 0);
          line.element.setAttribute("aria-label", `${line.text}, ${line.more}: ${this.states[now][1]}`);
        }
        line.element.classList.toggle("focus", row[4] < 0 && focus.has(row[6]));
      });
    }
  }

  // -- objects and checkpoints, with the matches between ------------------------------------------------------------------

  class Objects {
    constructor(lane) {
      this.lane = lane;
      const redraw = () => this.lay();
      this.live = new Outline(lane.live, lane.liveFold, LIVE, redraw);
      this.saved = lane.saved.map((saved) => new Outline(saved.rows, saved.fold, SAVED, redraw));
      this.svg = draw("svg", { "aria-hidden": "true" });
      const right = make("div", { class: "saved" });
      this.heads = lane.saved.map((saved, i) => {
        const head = make("h3", {}, `checkpoint ${saved.source}, restore ${saved.restore}`);
        right.append(head, this.saved[i].element);
        return head;
      });
      if (!lane.saved.length) right.append(make("h3", {}, "no checkpoint is restored"));
      this.box = make("div", { class: "box match", tabindex: "0", role: "group", "aria-label": "live objects and checkpoints" },
        make("div", { class: "live" }, make("h3", {}, "live objects"), this.live.element), right, this.svg);
      const used = (states, from) => states.slice(from).map(([dot, words]) => make("span", {}, `${dot} ${words}`));
      this.element = make("details", { open: true }, make("summary", {}, "Objects ⇄ checkpoint"), this.box,
        make("div", { class: "key" }, ...used(SAVED, 1), make("span", {}, "↗ shared"), make("span", {}, "↻ cycle")));
      new ResizeObserver(redraw).observe(this.box);
    }

    show(step, about) {
      this.step = step;
      this.about = about;
      const node = about[1];
      const partner = node && this.lane.matches.find((m) => m[0] === node[0] && m[1] === node[1] && m[3] <= step);
      const objects = new Set(about[0]);
      if (partner) objects.add(partner[2]);
      this.live.show(step, objects);
      this.lane.saved.forEach((saved, i) => this.saved[i].show(step, new Set(node && node[0] === saved.restore ? [node[1]] : [])));
      if (this.paths) this.links(); else this.lay();
      inView(this.box, find(".row.focus", this.box));
    }

    // The lines of all matches, anew whenever rows have moved.
    lay() {
      const frame = this.box.getBoundingClientRect();
      if (!frame.width) return;
      const boxes = new Map();
      const place = (element) => {
        if (!boxes.has(element)) boxes.set(element, element.getBoundingClientRect());
        return boxes.get(element);
      };
      const middle = (r) => r.top + r.height / 2 - frame.top + this.box.scrollTop - this.box.clientTop;
      const x = (at) => at - frame.left + this.box.scrollLeft;
      this.paths = this.lane.matches.map(([restore, node, object]) => {
        const which = this.lane.saved.findIndex((saved) => saved.restore === restore);
        const from = this.live.visible(object), to = this.saved[which] && this.saved[which].visible(node);
        if (!from || !to) return null;
        const a = place(from), b = place(to), x0 = x(a.right), x1 = x(b.left), bend = (x1 - x0) / 2;
        return draw("path", { class: `link r${which % 4}`, "data-match": `${restore}:${node}:${object}`, display: "none",
          d: `M${x0} ${middle(a)}C${x0 + bend} ${middle(a)} ${x1 - bend} ${middle(b)} ${x1} ${middle(b)}` });
      });
      this.svg.setAttribute("width", this.box.scrollWidth);
      this.svg.setAttribute("height", 1);
      this.svg.replaceChildren(...this.paths.filter(Boolean));
      this.drawn = this.paths.map(() => false);
      this.links();
    }

    links() {
      if (!this.paths || this.step === undefined) return;
      this.lane.matches.forEach(([restore, node, , born, gone], i) => {
        const path = this.paths[i], on = born <= this.step && (gone < 0 || gone > this.step);
        if (!path) return;
        if (on !== this.drawn[i]) {
          this.drawn[i] = on;
          if (on) path.removeAttribute("display"); else path.setAttribute("display", "none");
        }
        if (on) path.classList.toggle("focus", Boolean(this.about[1]) && this.about[1][0] === restore && this.about[1][1] === node);
      });
    }
  }

  // -- variables -----------------------------------------------------------------------------------------------------------

  class Values {
    constructor(lane) {
      this.lane = lane;
      const body = make("tbody");
      this.rows = lane.values.map((value) => {
        const name = make("td", {}, value.name, make("small", {}, value.what + (value.session ? ` · session ${value.session}` : "")));
        const now = make("td", { class: "value" }), from = make("td");
        const row = make("tr", {}, name, now, from);
        body.append(row);
        return { row, now, from, shown: undefined };
      });
      this.box = make("div", { class: "box values", tabindex: "0", role: "group", "aria-label": "variables" }, make("table", {}, make("thead", {},
        make("tr", {}, ...["variable", "value now", "where it comes from"].map((t) => make("th", { scope: "col" }, t)))), body));
      this.element = make("details", { open: true }, make("summary", {}, `Variables (${lane.values.length})`), this.box);
    }

    show(step, about) {
      let first = null;
      this.lane.values.forEach((value, i) => {
        const row = this.rows[i], now = entry(value.track, step);
        if (now !== row.shown) {
          row.shown = now;
          row.now.textContent = now ? now[1] : "—";
          row.from.replaceChildren();
          if (now) {
            const before = value.track.slice(0, value.track.indexOf(now)).map((e) => e[2]);
            row.from.append(make("span", { class: `cause ${now[3].split(" ")[0]}` }, now[2]));
            if (before.length) row.from.append(make("small", {}, `before: ${(before.length > 2 ? ["…"] : []).concat(before.slice(-2)).join(", then ")}`));
          } else row.from.append(make("small", {}, "no value yet"));
        }
        const focus = about[0].includes(value.object);
        row.row.classList.toggle("focus", focus);
        if (focus && !first) first = row.row;
      });
      inView(this.box, first);
    }
  }

  // -- graphs ----------------------------------------------------------------------------------------------------------------

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

  // -- files, steps, program ----------------------------------------------------------------------------------------------------

  class Files {
    constructor(lane) {
      this.lane = lane;
      this.list = make("tbody");
      this.element = make("details", { open: true }, make("summary", {}, "Files"), make("div", { class: "box" }, make("table", {}, this.list)));
    }

    show(step) {
      const now = new Map();
      for (const [at, path, what, size] of this.lane.files) if (at <= step) { if (what === "removed") now.delete(path); else now.set(path, [size, at]); }
      this.list.replaceChildren(...[...now].map(([path, [size, at]]) => make("tr", { class: at === step ? "focus" : null }, make("td", {}, path), make("td", {}, size == null ? "" : `${size} bytes`))));
      if (!now.size) this.list.append(make("tr", {}, make("td", {}, make("small", {}, "none written yet"))));
    }
  }

  const WINDOW = 400; // steps that are listed at once

  class Steps {
    constructor(lane, go) {
      this.lane = lane;
      this.go = go;
      this.from = -1;
      this.list = make("ol", { class: "box steps", tabindex: "0", "aria-label": "all steps in words" });
      this.element = make("details", { open: true }, make("summary", {}, `Steps in words (${lane.steps.length})`), this.list);
    }

    show(step) {
      const from = Math.max(0, Math.min(step - WINDOW / 2, this.lane.steps.length - WINDOW));
      const near = this.from < 0 || step <= this.from || step > this.from + WINDOW;
      if (near) {
        this.from = from;
        this.list.start = from + 1;
        this.list.replaceChildren(...this.lane.steps.slice(from, from + WINDOW).map((s, i) => make("li", { onclick: () => this.go(from + i + 1) }, s[3] ? `${s[3]}: ${s[1]}` : s[1])));
      }
      if (this.current) this.current.removeAttribute("aria-current");
      this.current = this.list.children[step - this.from - 1];
      if (this.current) {
        this.current.setAttribute("aria-current", "step");
        inView(this.list, this.current);
      }
    }
  }

  class Actors { // a column for each of several that do things
    constructor(lane, actors, go) {
      this.body = make("tbody");
      this.rows = lane.steps.map(([, words, , actor], i) => make("tr", { onclick: () => go(i + 1) }, make("th", { scope: "row" }, i + 1),
        ...(actor ? actors.map((a) => make("td", {}, a === actor ? words : "")) : [make("td", { colspan: actors.length }, words)])));
      this.body.append(...this.rows);
      this.box = make("div", { class: "box actors", tabindex: "0", role: "group", "aria-label": "who does what" }, make("table", {}, make("thead", {},
        make("tr", {}, make("th", {}), ...actors.map((a) => make("th", { scope: "col" }, a)))), this.body));
      this.element = make("details", { open: true, class: "whole" }, make("summary", {}, "Who does what"), this.box);
    }

    show(step) {
      this.rows.forEach((row, i) => {
        row.classList.toggle("later", i >= step);
        if (i + 1 === step) row.setAttribute("aria-current", "step"); else row.removeAttribute("aria-current");
      });
      inView(this.box, this.rows[step - 1]);
    }
  }

  class Program {
    constructor(book, go) {
      this.book = book;
      this.pre = make("pre", { class: "box", tabindex: "0", "aria-label": "the program" });
      this.head = make("summary", {}, "Program");
      this.element = make("details", { open: true }, this.head, this.pre);
      this.source = -1;
      this.go = go;
    }

    show([source, line]) {
      if (source < 0 || !this.book.sources[source]) {
        if (this.here) this.here.classList.remove("here");
        const first = this.book.lanes.flatMap((lane) => lane.steps).find((s) => s[4] >= 0);
        if (this.source < 0 && first) this.show([first[4], -1]);
        return;
      }
      const { name, first, text } = this.book.sources[source];
      if (source !== this.source) {
        this.source = source;
        this.head.textContent = `Program: ${name}`;
        const used = new Set(this.book.lanes.flatMap((lane) => lane.steps.filter((s) => s[4] === source).map((s) => s[5])));
        this.pre.replaceChildren(...text.replace(/\n$/, "").split("\n").map((words, i) => make("span", { "data-n": first + i, class: used.has(first + i) ? "has" : null,
          onclick: used.has(first + i) ? () => this.go(source, first + i) : null }, words || " ")));
      }
      if (this.here) { this.here.classList.remove("here"); this.here.removeAttribute("aria-current"); }
      this.here = this.pre.children[line - first];
      if (this.here) { this.here.classList.add("here"); this.here.setAttribute("aria-current", "true"); inView(this.pre, this.here); }
    }
  }

  // -- the page ------------------------------------------------------------------------------------------------------------------

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
})();
