// The number pad of the login: the field takes what a keyboard types, too.

const field = document.querySelector("[name=pin]");

document.querySelector(".pad").addEventListener("click", ({ target }) => {
  const { key } = target.dataset;
  if (key === undefined) return;
  field.value = key ? (field.value + key).slice(0, field.maxLength) : "";
  field.focus();
});
