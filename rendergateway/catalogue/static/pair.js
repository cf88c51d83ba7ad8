// Left and right arrow keys step through the matches of a pair; the links do the same without JavaScript.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, [tabindex]:not(main)")) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const link = step && document.querySelector(`[data-step="${step}"]`);
  if (link) location.assign(link.href);
});
