// Lists that open below something, by mouse and by keyboard: the options of a select, a menu, what is offered while typing.

let number = 0;

/** Return an element with attributes; text is text, never markup. */
export function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...inside);
  return made;
}

/** Keep track of which entry of a list is the current one. */
class Current {
  constructor(list, told) {
    this.list = list;
    this.told = told; // the element that has the focus, and tells screen readers of the current entry
    this.at = -1;
  }

  entries() {
    return [...this.list.children];
  }

  set(at) {
    const entries = this.entries();
    this.at = entries.length ? (at + entries.length) % entries.length : -1;
    for (const [place, each] of entries.entries()) each.classList.toggle("current", place === this.at);
    const entry = entries[this.at];
    if (entry) {
      this.told.setAttribute("aria-activedescendant", entry.id);
      entry.scrollIntoView({ block: "nearest" });
    } else this.told.removeAttribute("aria-activedescendant");
  }

  entry() {
    return this.entries()[this.at];
  }

  /** Move by a key; say whether it was one that moves. */
  move(key) {
    const last = this.entries().length - 1;
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at < 0 ? last : this.at - 1, Home: 0, End: last }[key];
    if (to === undefined) return false;
    this.set(to);
    return true;
  }

  find(letter) {
    const entries = this.entries();
    const from = this.at + 1;
    const order = [...entries.slice(from), ...entries.slice(0, from)];
    const found = order.find((each) => each.textContent.trim().replace(/^[@#]/, "").toLowerCase().startsWith(letter));
    if (found) this.set(entries.indexOf(found));
  }
}

/** Open the list of a button; `pick` is called with the entries chosen, once, and the focus returns to the button. */
export function openList(button, list, pick, { most = 1, least = 1 } = {}) {
  const current = new Current(list, list);
  const chosen = () => current.entries().filter((each) => each.getAttribute("aria-selected") === "true");
  const before = current.entries().map((each) => each.getAttribute("aria-selected"));
  let open = true;
  const close = (focus) => {
    if (!open) return;
    open = false;
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    list.removeAttribute("aria-activedescendant");
    list.onkeydown = list.onclick = list.onblur = null;
    if (focus) button.focus();
  };
  const finish = () => {
    const picked = chosen();
    const changed = before.some((was, place) => was !== current.entries()[place].getAttribute("aria-selected"));
    close(true);
    if (changed && picked.length >= least) pick(picked);
  };
  const take = (entry) => {
    if (!entry) return;
    if (most === 1) {
      close(true);
      pick([entry]);
      return;
    }
    const on = entry.getAttribute("aria-selected") === "true";
    if (on || chosen().length < most) entry.setAttribute("aria-selected", String(!on));
  };
  button.setAttribute("aria-expanded", "true");
  list.hidden = false;
  list.onclick = (event) => {
    event.stopPropagation();
    const entry = event.target.closest("[role=option], [role=menuitem]");
    take(entry);
    if (entry && open) current.set(current.entries().indexOf(entry));
  };
  list.onblur = () => (most > 1 ? finish() : close(false));
  list.onkeydown = (event) => {
    if (event.key === "Tab") return;
    event.stopPropagation();
    if (current.move(event.key)) event.preventDefault();
    else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (event.key === "Enter" && most > 1) finish();
      else take(current.entry());
    } else if (event.key === "Escape") {
      event.preventDefault();
      current.entries().forEach((each, place) => before[place] !== null && each.setAttribute("aria-selected", before[place]));
      close(true);
    } else if (event.key.length === 1) current.find(event.key.toLowerCase());
  };
  list.focus({ preventScroll: true });
  list.scrollIntoView({ block: "nearest" });
  const first = current.entries().findIndex((each) => each.getAttribute("aria-selected") === "true");
  current.set(first < 0 ? 0 : first);
}

/** Offer entries below an input while somebody types; `find` gives them for what is typed, `pick` takes one. */
export class Offers {
  constructor(input, list, find, pick, { pause = 0 } = {}) {
    Object.assign(this, { input, list, find, pick, pause, asked: 0 });
    this.current = new Current(list, input);
    input.addEventListener("input", () => this.ask());
    input.addEventListener("keydown", (event) => this.press(event));
    input.addEventListener("blur", () => this.close());
    list.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the focus stays in the input
      const entry = event.target.closest("[role=option]");
      if (entry) this.take(entry);
    });
  }

  async ask() {
    const asked = ++this.asked;
    if (this.pause) await new Promise((done) => setTimeout(done, this.pause));
    if (asked !== this.asked) return;
    const found = await this.find(this.input.value);
    if (asked !== this.asked || document.activeElement !== this.input) return;
    this.show(found);
  }

  show(found) {
    this.found = found;
    this.list.replaceChildren(
      ...found.map((each) => {
        const entry = element("li", { role: "option", id: `offer-${++number}`, "aria-selected": "false" }, each.label);
        if (each.description) entry.append(element("small", {}, each.description));
        return entry;
      }),
    );
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    this.current.set(found.length && this.eager ? 0 : -1);
    if (!found.length || !this.eager) this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.asked++;
    if (!this.list.hidden) this.show([]);
  }

  press(event) {
    if (event.key === "ArrowDown" && this.list.hidden && !this.eager) {
      event.preventDefault();
      this.ask();
      return;
    }
    if (this.list.hidden || event.isComposing) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      if (this.current.at < 0 && event.key === "ArrowDown") this.current.set(0);
      else this.current.move(event.key);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if ((event.key === "Enter" || (event.key === "Tab" && this.eager)) && this.current.entry()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      this.take(this.current.entry());
    }
  }

  take(entry) {
    const picked = this.found[this.current.entries().indexOf(entry)];
    this.close();
    this.pick(picked);
  }
}
