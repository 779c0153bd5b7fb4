// A table's page for the staff: its dialogs, and the choices of a dish that is added. Texts and forms are the server's.

const $ = (selector, within = document) => within.querySelector(selector);

/** Minor units of what a person has typed in major ones. */
export const minor = (field) => Math.round(Number(field.value || 0) * 100);

/** A button that asks first: its data fills the fields of the dialog that it names. */
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  const button = event.target.closest("button[data-ask]");
  if (!button) return;
  const dialog = $(`#ask-${button.dataset.ask}`);
  const form = $("form", dialog);
  form.reset();
  for (const own of form.querySelectorAll(".other [type=radio]")) own.value = "";
  for (const [name, value] of Object.entries(button.dataset)) {
    const field = form.elements[name];
    if (!field) continue;
    field.value = "money" in field.dataset ? (Number(value) ? (Number(value) / 100).toFixed(2) : "") : value;
    if (name === "amount") field.max = button.dataset.ask === "discount" ? "" : field.value;
  }
  $("[data-title]", dialog).textContent = button.dataset.title || "";
  showChange(form);
  dialog.showModal();
  document.activeElement.select?.();
});

// Whoever types a reason of their own has chosen it.
document.addEventListener("input", ({ target }) => {
  if ("reason" in target.dataset) {
    const choice = target.parentElement.querySelector("[type=radio]");
    choice.value = target.value;
    choice.checked = true;
  }
  if (target.form) showChange(target.form);
});

function showChange(form) {
  const line = $(".change", form);
  if (!line) return;
  const { given, amount, tip } = form.elements;
  const back = minor(given) - minor(amount) - minor(tip);
  const sum = line.dataset.money.replace("{n}", (back / 100).toFixed(2));
  line.textContent = given.value && back >= 0 ? line.dataset.change.replace("{n}", sum) : "";
}

// ---- a dish for the table

const adding = $("#adding");
adding && $("[name=item]", adding).addEventListener("change", ({ target }) => {
  const choices = target.value && $(`#choices-${target.value}`);
  $(".choices", adding).replaceChildren(...(choices ? [choices.content.cloneNode(true)] : []));
});
adding?.addEventListener("reset", () => $(".choices", adding).replaceChildren());

/** The bill to print is that of whoever sits here now. */
const receipt = $("[data-receipt]");
if (receipt) {
  receipt.addEventListener("click", () => {
    const sitting = $("#party")?.dataset.sitting;
    if (sitting) receipt.search = `?sitting=${sitting}`;
  });
}
