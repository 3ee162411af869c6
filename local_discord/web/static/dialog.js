// The dialog in which forms are filled in: those of the bot, and the page's own.

import { element } from "./lists.js";

const dialog = document.getElementById("dialog");
const form = document.getElementById("form");
let submit = null;
let ended = null;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answers = {};
  for (const each of form.querySelectorAll("[name]")) {
    answers[each.name] = each.tagName === "SELECT" ? [...each.selectedOptions].map((one) => one.value) : each.value;
  }
  const wrong = await submit(answers);
  if (wrong) form.querySelector(".wrong").textContent = wrong;
  else dialog.close();
});
form.addEventListener("click", (event) => event.target.closest("[data-cancel]") && dialog.close());
dialog.addEventListener("close", () => ended?.());

/** Show a form that the server drew. `done` takes the answers and returns what is wrong with them, if anything. */
export function fillIn(html, title, done, after) {
  form.innerHTML = html;
  show(title, done, after);
}

/** Ask for one text. */
export function askFor(title, label, value, done, after) {
  form.replaceChildren(
    element("h2", { id: "asked-title" }, title),
    element("div", { class: "field" }, element("label", { for: "asked" }, label), element("input", { id: "asked", name: "asked", type: "text", required: true, maxlength: 2000 })),
    element("p", { class: "wrong", role: "alert" }),
    element(
      "div",
      { class: "row end" },
      element("button", { type: "button", class: "button style2", "data-cancel": true }, "Cancel"),
      element("button", { type: "submit", class: "button style1" }, "Save"),
    ),
  );
  form.querySelector("#asked").value = value;
  show("asked-title", (answers) => done(answers.asked), after);
}

function show(title, done, after) {
  submit = done;
  ended = after;
  dialog.setAttribute("aria-labelledby", title);
  dialog.showModal();
  form.querySelector("input, textarea, select")?.focus();
}
