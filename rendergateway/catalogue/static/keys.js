// Keys follow the links that name them, data-key="ArrowLeft"; the links do the same without JavaScript.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, [tabindex]:not(main)")) return;
  const link = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (!link) return;
  event.preventDefault();
  location.assign(link.href);
});

// With Shift, a click on a tile opens its pair with the chosen one.
for (const link of document.querySelectorAll("[data-pair]")) {
  link.addEventListener("click", (event) => {
    if (!event.shiftKey) return;
    event.preventDefault();
    location.assign(link.dataset.pair);
  });
}
