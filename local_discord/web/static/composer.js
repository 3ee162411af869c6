// Where messages are written and commands are filled in.

import { element, Offers } from "./lists.js";

const [BOOLEAN, INTEGER, NUMBER, FILE] = [5, 4, 10, 11];
const MORE = 2; // optional fields that are shown at once

export class Composer {
  /** `page` has `say(text, reply)`, `use(command, options)`, `complete(command, options, focus)` and `warn(sentence)`. */
  constructor(page) {
    this.page = page;
    this.commands = [];
    this.form = document.getElementById("saying");
    this.input = document.getElementById("composer");
    this.panel = document.getElementById("command");
    this.replying = document.getElementById("replying");
    this.reply = null;
    this.offers = new Offers(
      this.input,
      document.getElementById("offers"),
      (typed) => this.found(typed),
      (picked) => this.open(picked.name),
    );
    this.offers.eager = true;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.replying.querySelector("button").addEventListener("click", () => this.answer(null));
    this.input.addEventListener("keydown", (event) => event.key === "Escape" && this.reply && this.answer(null));
    this.panel.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
  }

  place(name, direct) {
    document.getElementById("composer-label").textContent = `Message ${direct ? "@" : "#"}${name}`;
    this.input.placeholder = direct ? "Ask something, or type / for commands" : "@ and the name mentions somebody; / lists commands";
  }

  found(typed) {
    if (!typed.startsWith("/")) return [];
    const wanted = typed.slice(1).trim().toLowerCase();
    const starting = this.commands.filter((each) => each.name.startsWith(wanted));
    const holding = this.commands.filter((each) => each.name.includes(wanted) && !starting.includes(each));
    return [...starting, ...holding].map((each) => ({ ...each, label: `/${each.name}` }));
  }

  async send() {
    const text = this.input.value.trim();
    if (!text) return;
    if (text.startsWith("/")) {
      this.page.warn(`There is no command ${text} here.`);
      return;
    }
    const reply = this.reply;
    this.input.value = "";
    this.answer(null);
    if (!(await this.page.say(text, reply?.id))) this.input.value = text;
  }

  /** Reply to a message from now on, or to none. */
  answer(message) {
    this.reply = message;
    this.replying.hidden = !message;
    if (message) this.replying.querySelector("span").textContent = `Replying to ${message.name}`;
    this.input.focus();
  }

  write(text) {
    this.close();
    this.input.value = text;
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
  }

  /** Show the fields of a command, some of them filled in. */
  open(name, values = {}) {
    const command = this.commands.find((each) => each.name === name);
    if (!command) {
      this.page.warn(`/${name} is not offered to you here.`);
      return;
    }
    this.command = command;
    this.input.value = "";
    this.fields = command.options.map((option) => this.field(option, values[option.name]));
    const needed = this.fields.filter((each) => each.option.required);
    const others = this.fields.filter((each) => !each.option.required);
    const shown = [...needed, ...(others.length > MORE ? [] : others)];
    const rest = others.length > MORE ? others : [];
    const more = element("details", { open: rest.some((each) => values[each.option.name] !== undefined) });
    if (rest.length) more.append(element("summary", {}, `${rest.length} more options`), ...rest.map((each) => each.box));
    this.panel.replaceChildren(
      element("h3", { id: "command-name" }, `/${name}`),
      element("p", { class: "hint" }, command.description),
      ...shown.map((each) => each.box),
      ...(rest.length ? [more] : []),
      element(
        "div",
        { class: "row end" },
        element("button", { type: "button", class: "button style2" }, "Cancel"),
        element("button", { type: "submit", class: "button style1" }, "Use command"),
      ),
    );
    this.panel.querySelector("button.style2").addEventListener("click", () => this.close());
    this.form.hidden = true;
    this.panel.hidden = false;
    (this.panel.querySelector("input, select") ?? this.panel.querySelector("button[type=submit]")).focus();
  }

  close() {
    const held = this.panel.contains(document.activeElement);
    this.panel.hidden = true;
    this.form.hidden = false;
    this.panel.replaceChildren();
    if (held || document.activeElement === document.body) this.input.focus();
  }

  async submit() {
    const options = {};
    for (const each of this.fields) {
      const value = await each.value();
      if (value !== undefined) options[each.option.name] = value;
    }
    const name = this.command.name;
    if (await this.page.use(name, options)) this.close();
  }

  field(option, filled) {
    const id = `option-${option.name}`;
    const label = element("label", { for: id }, option.name);
    if (option.required) label.append(element("span", { "aria-hidden": "true", class: "star" }, " *"));
    const shared = { id, name: option.name, required: option.required, "aria-describedby": `${id}-hint` };
    const box = element("div", { class: "field" }, label, element("p", { class: "hint", id: `${id}-hint` }, option.description));
    const made = this.control(option, shared, box);
    if (filled !== undefined) made.control.value = String(filled);
    return { option, box, value: made.value };
  }

  control(option, shared, box) {
    if (option.choices.length || option.type === BOOLEAN) {
      const offered = option.choices.length ? option.choices : [{ label: "yes", value: "true" }, { label: "no", value: "false" }];
      const control = element("select", shared, element("option", { value: "" }, ""));
      control.append(...offered.map((each) => element("option", { value: each.value }, each.label)));
      box.append(control);
      return { control, value: () => typed(option, control.value) };
    }
    if (option.type === FILE) {
      const control = element("input", { ...shared, type: "file" });
      box.append(control);
      return { control, value: () => (control.files.length ? read(control.files[0]) : undefined) };
    }
    if ([INTEGER, NUMBER].includes(option.type)) {
      const control = element("input", { ...shared, type: "number", min: option.min_value, max: option.max_value, step: option.type === INTEGER ? 1 : "any" });
      box.append(control);
      return { control, value: () => typed(option, control.value) };
    }
    const control = element("input", { ...shared, type: "text", maxlength: option.max_length });
    box.append(control);
    let chosen = null;
    if (option.autocomplete) {
      const list = element("ul", { class: "offers", role: "listbox", id: `${shared.id}-offers`, "aria-label": `Offered for ${option.name}`, hidden: true });
      Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id }).forEach(
        ([name, value]) => control.setAttribute(name, value),
      );
      box.append(list);
      control.addEventListener("input", () => (chosen = null));
      new Offers(
        control,
        list,
        async (text) => (await this.page.complete(this.command.name, await this.others(option), option.name, text)).map((each) => ({ label: each.name, value: each.value })),
        (picked) => {
          control.value = picked.label;
          chosen = picked;
        },
        { pause: 150 },
      );
    }
    return { control, value: () => (chosen && chosen.label === control.value ? chosen.value : typed(option, control.value)) };
  }

  /** Return what the other fields hold, which the bot is told while somebody types. */
  async others(option) {
    const held = {};
    for (const each of this.fields) {
      if (each.option === option || each.option.type === FILE) continue;
      const value = await each.value();
      if (value !== undefined) held[each.option.name] = value;
    }
    return held;
  }
}

function typed(option, text) {
  if (text.trim() === "") return undefined;
  if (option.type === BOOLEAN) return text === "true";
  return [INTEGER, NUMBER].includes(option.type) ? Number(text) : text;
}

async function read(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return { name: file.name, data: btoa(text) };
}
