// What is shown in lines: variables, files, steps, actors, the program.

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
