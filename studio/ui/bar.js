// The tab bar stands in the header between the studio's name and the worker. Where the tabs do not fit they scroll, and an edge
// that fades says that there are more.
(function arrange() {
  const bar = document.querySelector("#forms .tab-wrapper"), head = document.querySelector("header.top");
  if (!bar || !head) return requestAnimationFrame(arrange); // Gradio puts the parts of a page up in no fixed order
  const tabs = bar.querySelector("[role=tablist]"), GAP = 16;
  tabs.ariaLabel = "Parts of the studio";
  function fade() {
    bar.toggleAttribute("data-before", bar.scrollLeft > 1);
    bar.toggleAttribute("data-after", bar.scrollLeft + bar.clientWidth < bar.scrollWidth - 1);
  }
  function fit() {
    bar.style.setProperty("--beside", `${Math.ceil(innerWidth - $("worker").getBoundingClientRect().left + GAP)}px`);
    fade();
  }
  const watched = new ResizeObserver(fit);
  for (const part of [tabs, head, ...head.children]) watched.observe(part);
  bar.addEventListener("scroll", fade, { passive: true });
  bar.addEventListener("wheel", ({ deltaX, deltaY }) => deltaX || (bar.scrollLeft += deltaY), { passive: true });
  tabs.addEventListener("keydown", (event) => {
    const all = [...tabs.querySelectorAll("[role=tab]")], at = all.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = all[(to + all.length) % all.length];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest", inline: "center" });
  });
})();
