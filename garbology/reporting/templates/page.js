(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  document.body.append(tip);
  let current = null;
  let stepped = 0;
  const middle = (mark) => {
    const box = mark.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const hide = () => {
    if (current) current.classList.remove("current");
    current = null;
    tip.hidden = true;
  };
  const show = (mark) => {
    if (mark === current) return;
    hide();
    current = mark;
    mark.classList.add("current");
    tip.textContent = mark.dataset.tip || mark.getAttribute("aria-label");
    tip.hidden = false;
    const [x, y] = middle(mark);
    const left = Math.min(x + 14, document.documentElement.clientWidth - tip.offsetWidth - 8);
    const above = y - tip.offsetHeight - 14;
    tip.style.left = Math.max(8, left) + "px";
    tip.style.top = (above > 8 ? above : y + 16) + "px";
  };
  const nearest = (drawing, event) => {
    const on = event.target.closest(".mark");
    if (on || drawing.tagName !== "svg") return on;
    let best = null;
    let reach = 24;
    for (const mark of drawing.querySelectorAll(".mark")) {
      const [x, y] = middle(mark);
      const distance = Math.hypot(x - event.clientX, y - event.clientY);
      if (distance < reach) [best, reach] = [mark, distance];
    }
    return best;
  };
  const step = (drawing, event) => {
    const marks = [...drawing.querySelectorAll(".mark")];
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key === "Escape") hide();
    if (!(event.key in steps) || !marks.length) return;
    event.preventDefault();
    const at = marks.indexOf(current);
    const next = at < 0 ? (steps[event.key] > 0 ? 0 : marks.length - 1) : at + steps[event.key];
    const mark = marks[(next + marks.length) % marks.length];
    stepped = performance.now();
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    show(mark);
  };
  for (const drawing of document.querySelectorAll("svg.drawing, .stepped")) {
    drawing.addEventListener("pointermove", (event) => {
      const mark = nearest(drawing, event);
      if (mark) show(mark);
      else hide();
    });
    drawing.addEventListener("pointerleave", hide);
    drawing.addEventListener("blur", hide);
    drawing.addEventListener("keydown", (event) => step(drawing, event));
  }
  const leave = () => {
    if (performance.now() - stepped > 300) hide(); // our own step scrolls as well
  };
  addEventListener("scroll", leave, { passive: true, capture: true });
})();
