// The page: who looks at which channel, what they see there and what they do.

import { Composer } from "./composer.js";
import { askFor, fillIn } from "./dialog.js";
import { element, openList } from "./lists.js";
import { about, act, Watch } from "./server.js";

const SETTLED = 900; // milliseconds after which a message that grew is read out
const READ_OUT = 600; // the most characters of it
const log = document.getElementById("log");
const state = { who: "", channel: "", places: [], menu: [], seen: {}, spoken: new Map() };
const known = await about();

const composer = new Composer({
  warn,
  say: async (text, reply) => done(await send("say", { text, reply })),
  use: async (command, options) => done(await send("command", { command, options })),
  complete: async (command, options, focus, text) => {
    const came = await send("complete", { command, options: { ...options, [focus]: text }, focus });
    return came.choices ?? [];
  },
});

document.title = known.title;
document.getElementById("title").textContent = known.title;
document.getElementById("people").append(
  ...known.people.map((name) => {
    const button = element("button", { type: "button", class: "button style2", "aria-pressed": "false", "data-who": name }, name);
    if (known.roles?.[name]) button.append(element("small", {}, ` ${known.roles[name]}`));
    button.addEventListener("click", () => become(name));
    return button;
  }),
);
const tries = document.getElementById("tries");
tries.append(
  element("h2", {}, "Things to try"),
  element("p", { class: "hint" }, known.hint ?? ""),
  element(
    "ul",
    {},
    ...(known.tries ?? []).map((each) => {
      const button = element("button", { type: "button", class: "try" }, each.label);
      button.addEventListener("click", () => attempt(each));
      return element("li", {}, button);
    }),
  ),
);

const theme = document.getElementById("theme");
showTheme(document.documentElement.dataset.theme);
theme.addEventListener("click", () => {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  showTheme(next);
  try {
    localStorage.setItem("theme", next);
  } catch {
    // It holds until the page is loaded anew.
  }
});

const watch = new Watch(tell);
addEventListener("hashchange", () => look());
log.addEventListener("click", clicked);
tries.addEventListener("click", clicked);
become(known.people[0], false);
setInterval(readOut, 200);
setInterval(showTimes, 5000);

function showTheme(name) {
  document.documentElement.dataset.theme = name;
  theme.setAttribute("aria-pressed", String(name === "dark"));
}

function become(name, aloud = true) {
  state.who = name;
  for (const each of document.querySelectorAll("[data-who]")) each.setAttribute("aria-pressed", String(each.dataset.who === name));
  if (aloud) say(`You are ${name}`);
  look();
}

function look() {
  composer.close();
  log.setAttribute("aria-busy", "true");
  watch.look(state.who, location.hash.slice(1));
}

function go(channel) {
  if (location.hash.slice(1) === channel) return;
  location.hash = channel;
  composer.input.focus();
}

/** Take in what the server says of the channel. */
function tell(news) {
  if (news.error) {
    if (location.hash) location.hash = "";
    else warn(news.error);
    return;
  }
  if (news.whole) {
    state.channel = news.channel;
    state.spoken.clear();
    log.replaceChildren();
    document.getElementById("typing").textContent = "";
  }
  if (news.places) state.places = news.places;
  const low = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  for (const id of news.gone ?? []) remove(id);
  for (const each of news.messages ?? []) draw(each, !news.whole);
  if (news.typing !== undefined) document.getElementById("typing").textContent = news.typing ? `${news.typing} is typing…` : "";
  if (news.places || news.messages || news.whole) showPlaces();
  if (low || news.whole) log.scrollTop = log.scrollHeight;
  if (news.whole) offer().then(() => log.setAttribute("aria-busy", "false"));
}

async function offer() {
  const who = state.who;
  const came = await send("offer");
  if (who !== state.who) return;
  composer.commands = came.commands ?? [];
  if (composer.input.value.startsWith("/")) composer.offers.ask();
  state.menu = came.menu ?? [];
}

function showPlaces() {
  const here = state.places.find((each) => each.id === state.channel);
  const seen = (state.seen[state.who] ??= {});
  if (here) {
    seen[here.id] = here.last;
    document.getElementById("place").textContent = `${here.kind === "direct" ? "@" : "#"} ${here.name}`;
    composer.place(here.name, here.kind === "direct");
  }
  const nav = document.getElementById("places");
  const focused = nav.contains(document.activeElement) ? document.activeElement.dataset.go : null;
  const groups = [...new Set(state.places.map((each) => each.group))];
  nav.replaceChildren(
    ...groups.flatMap((group, place) => [
      element("h2", { id: `group-${place}` }, group),
      element("ul", { "aria-labelledby": `group-${place}` }, ...state.places.filter((each) => each.group === group).map((each) => entry(each, seen))),
    ]),
  );
  if (focused) nav.querySelector(`[data-go="${focused}"]`)?.focus();
}

function entry(place, seen) {
  const fresh = BigInt(place.last) > BigInt(seen[place.id] ?? 0) && place.last !== "0";
  const sign = { direct: "@", thread: "↳", channel: "#" }[place.kind];
  const button = element(
    "button",
    { type: "button", class: `go ${place.kind}${fresh ? " fresh" : ""}`, "data-go": place.id, "aria-current": place.id === state.channel ? "page" : null },
    element("span", { "aria-hidden": "true" }, `${sign} `),
    place.name,
  );
  if (fresh) button.append(element("span", { class: "unseen" }, ", unread"));
  button.addEventListener("click", () => go(place.id));
  return element("li", {}, button);
}

/** Put a message in its place, or anew where it stands; the focus stays on what it was on. */
function draw(message, aloud) {
  const old = document.getElementById(`m${message.id}`);
  const held = old?.contains(document.activeElement) ? (document.activeElement.dataset.key ?? "") : null;
  const holder = element("template");
  holder.innerHTML = message.html;
  const made = holder.content.firstElementChild;
  Object.assign(made.dataset, { own: message.own ? "yes" : "", text: message.text, ephemeral: message.ephemeral ? "yes" : "" });
  if (old) old.replaceWith(made);
  else {
    const after = [...log.children].find((each) => BigInt(each.dataset.message) > BigInt(message.id));
    log.insertBefore(made, after ?? null);
  }
  if (held !== null) (held && [...made.querySelectorAll("[data-key]")].find((each) => each.dataset.key === held && !each.disabled) || made).focus();
  if (aloud && message.words) state.spoken.set(message.id, { words: message.words, at: Date.now() });
}

function remove(id) {
  const old = document.getElementById(`m${id}`);
  if (old?.contains(document.activeElement)) composer.input.focus();
  old?.remove();
  state.spoken.delete(id);
}

/** Read out messages that have not changed for a moment. */
function readOut() {
  for (const [id, each] of state.spoken) {
    if (Date.now() - each.at < SETTLED) continue;
    state.spoken.delete(id);
    say(each.words.length > READ_OUT ? `${each.words.slice(0, READ_OUT)}…` : each.words);
  }
}

/** Bring up to date what is said of times from now. */
function showTimes() {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  for (const each of log.querySelectorAll("time[data-relative]")) {
    const seconds = (Date.parse(each.dateTime) - Date.now()) / 1000;
    const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units.at(-1);
    each.textContent = words.format(Math.trunc(seconds / size), unit);
  }
}

function say(sentence) {
  document.getElementById("said").textContent = sentence;
}

function warn(sentence) {
  document.getElementById("wrong").textContent = sentence;
}

function send(action, more = {}) {
  warn("");
  return act(state.who, state.channel, action, more);
}

/** Show what came of an action; say whether it was done. */
function done(came, from = null) {
  if (came.error) {
    warn(came.error);
    return false;
  }
  if (came.go) go(came.go);
  if (came.form) {
    const { id, key, html } = came.form;
    const submit = async (answers) => {
      const next = await send("submit", { form: id, answers });
      if (!next.error && next.form) setTimeout(() => done(next, from));
      return next.error;
    };
    fillIn(html, `${key}-title`, submit, () => refocus(from));
  }
  return true;
}

/** Return the focus to a control of a message, which may have been drawn anew meanwhile. */
function refocus(from) {
  if (!from) {
    composer.input.focus();
    return;
  }
  const message = document.getElementById(`m${from.message}`);
  const control = message && [...message.querySelectorAll("[data-key]")].find((each) => each.dataset.key === from.key);
  (control ?? message ?? composer.input).focus();
}

async function clicked(event) {
  const button = event.target.closest("button");
  if (!button || event.target.closest("[role=listbox]")) return;
  const message = button.closest("[data-message]")?.dataset.message;
  const from = { message, key: button.dataset.key };
  if (button.dataset.go) go(button.dataset.go);
  else if (button.dataset.command) composer.open(button.dataset.command);
  else if (button.dataset.click) done(await send("click", { message, custom_id: button.dataset.click }), from);
  else if (button.dataset.dismiss !== undefined) watch.dismiss(message);
  else if (button.dataset.menu !== undefined) openMenu(button, message);
  else if (button.getAttribute("aria-haspopup") === "listbox") openSelect(button, message, from);
}

function openSelect(button, message, from) {
  const select = button.closest("[data-select]");
  const pick = async (entries) => {
    const values = entries.map((each) => each.dataset.value);
    done(await send("choose", { message, custom_id: select.dataset.select, values }), from);
  };
  openList(button, select.querySelector("[role=listbox]"), pick, { most: Number(select.dataset.most), least: Number(select.dataset.least) });
}

function openMenu(button, message) {
  const article = button.closest("[data-message]");
  const from = { message, key: "menu" };
  const name = article.querySelector(".name").textContent;
  const here = state.places.find((each) => each.id === state.channel);
  const entries = [];
  const add = (label, action) => entries.push([label, action]);
  if (!article.dataset.ephemeral) {
    add("Reply", () => composer.answer({ id: message, name }));
    for (const command of state.menu) add(command, async () => done(await send("menu", { message, command }), from));
    if (here?.kind === "channel" && !article.querySelector(".opened")) {
      const open = (text) => send("thread", { message, name: text });
      add("Create thread", () => askFor("Create thread", "Thread name", "", async (text) => settled(await open(text)), () => refocus(from)));
    }
  }
  if (article.dataset.own) {
    const change = async (text) => settled(await send("edit", { message, text }));
    add("Edit message", () => askFor("Edit message", "Message", plain(article.dataset.text), change, () => refocus(from)));
    add("Delete message", async () => done(await send("delete", { message }), from));
  }
  if (article.dataset.ephemeral) add("Dismiss message", () => watch.dismiss(message));
  const menu = document.getElementById("menu");
  menu.replaceChildren(...entries.map(([label], place) => element("div", { role: "menuitem", id: `menu-${place}` }, label)));
  const box = button.getBoundingClientRect();
  menu.hidden = false;
  menu.style.top = `${Math.min(box.bottom, innerHeight - menu.offsetHeight - 8)}px`;
  menu.style.left = `${Math.max(8, box.right - menu.offsetWidth)}px`;
  openList(button, menu, ([entry]) => entries[[...menu.children].indexOf(entry)][1]());
}

function settled(came) {
  if (came.error) return came.error;
  done(came);
  return undefined;
}

/** Return an own text with mentions as they were typed. */
function plain(text) {
  return text.replace(/<@!?\d+>/g, `@${known.bot}`);
}

/** Put something to try where it is written, so that Enter does it. */
async function attempt(each) {
  if (each.who && each.who !== state.who) become(each.who);
  const place = state.places.find((one) => one.name === each.place && one.kind !== "thread");
  if (place && place.id !== state.channel) {
    location.hash = place.id;
    for (let left = 40; left && state.channel !== place.id; left--) await new Promise((next) => setTimeout(next, 50));
  }
  await offer();
  if (each.command) composer.open(each.command, each.options ?? {});
  else composer.write(each.text);
}
