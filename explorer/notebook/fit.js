// plotly's widget measures its width only when the window is resized: say so when the place for it changes.
function render({ el }) {
  let width = 0, tries = 0;
  el.style.height = "0";
  const tell = () => window.dispatchEvent(new Event("resize"));
  const watch = new ResizeObserver(() => {
    const now = el.parentElement ? el.parentElement.clientWidth : 0;
    if (now && now !== width) { width = now; tell(); }
  });
  watch.observe(el);
  // the plot beside us comes to life a moment after us
  const waiting = setInterval(() => {
    const plot = el.parentElement && el.parentElement.querySelector(".js-plotly-plot .main-svg");
    if (plot) tell();
    if (plot || ++tries > 150) clearInterval(waiting);
  }, 200);
  return () => { watch.disconnect(); clearInterval(waiting); };
}

export default { render };
