// Outlines of objects, and the lines of the matches between them.

const LIVE = [["·", "not there yet"], ["○", "there, but nothing refers to it at this place"], ["●", "there"]];
const SAVED = [["·", "not read yet"], ["○", "not reached"], ["◔", "waits for its object"], ["◐", "matched"],
  ["◑", "matched, restore operation built"], ["●", "restored"], ["✕", "not used"]];

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

  // Curves in the left margin, from each further edge of a shared object (or of a cycle) to the row of the object.
  curves(place, middle, x, tip) {
    return this.rows.map((row, i) => {
      if (row[4] < 0 || this.hidden[i]) return null;
      let to = row[4];
      while (this.hidden[to]) to = this.rows[to][3];
      const a = place(this.lines[i].dot), b = place(this.lines[to].dot), x0 = x(a.left), x1 = x(b.left), y0 = middle(a), y1 = middle(b);
      const left = Math.max(1, Math.min(x0, x1) - 10 - Math.min(24, Math.abs(y1 - y0) / 8));
      return draw("path", { class: row[5] ? "again cycle" : "again", "marker-end": `url(#${tip})`, display: "none", "data-row": i,
        d: `M${x0} ${y0}C${left} ${y0} ${left} ${y1} ${x1} ${y1}` });
    });
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

class Objects {
  constructor(lane) {
    this.lane = lane;
    const redraw = () => this.lay();
    this.live = new Outline(lane.live, lane.liveFold, LIVE, redraw);
    this.saved = lane.saved.map((saved) => new Outline(saved.rows, saved.fold, SAVED, redraw));
    this.svg = draw("svg", { "aria-hidden": "true" });
    this.tip = `minitf-again-${Objects.count = (Objects.count || 0) + 1}`;
    this.head = draw("defs", {}, draw("marker", { id: this.tip, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" },
      draw("path", { d: "M0 0L8 4L0 8z" })));
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
    this.again = [this.live, ...this.saved].map((outline) => outline.curves(place, middle, x, this.tip));
    this.svg.setAttribute("width", this.box.scrollWidth);
    this.svg.setAttribute("height", 1);
    this.svg.replaceChildren(this.head, ...this.again.flat().filter(Boolean), ...this.paths.filter(Boolean));
    this.drawn = this.paths.map(() => false);
    this.links();
  }

  links() {
    if (!this.paths || this.step === undefined) return;
    [this.live, ...this.saved].forEach((outline, which) => outline.rows.forEach((row, i) => {
      const path = this.again[which][i];
      if (path) path.setAttribute("display", state(row[7], this.step) > 0 ? "inline" : "none");
    }));
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
