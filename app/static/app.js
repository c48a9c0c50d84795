// Small helps; every page works without them: a form is sent once, chosen photos are shown before sending, and what
// is folded for telephones stands open on a wide screen.
"use strict";

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = form.querySelector("button:not([type=button])");
    if (button) {
      button.setAttribute("aria-disabled", "true");
      button.classList.add("sending");
    }
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll(".sending")) {
      button.removeAttribute("aria-disabled");
      button.classList.remove("sending");
    }
  }
});

if (window.matchMedia("(min-width: 45.01rem)").matches) {
  for (const part of document.querySelectorAll("details.history")) part.open = true;
}
document.querySelector(".links [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

for (const input of document.querySelectorAll("input[type=file][data-preview]")) {
  const shelf = document.createElement("div");
  shelf.className = "preview";
  input.after(shelf);
  input.addEventListener("change", () => {
    shelf.replaceChildren();
    for (const file of input.files) {
      if (!file.type.startsWith("image/")) continue;
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(file);
      picture.alt = file.name;
      picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
      shelf.append(picture);
    }
  });
}
