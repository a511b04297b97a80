// The row above the figure: says what is asked for; the kernel answers with a new state, which alone is painted.
function render({ model, el }) {
  const id = "xc" + Math.random().toString(36).slice(2, 9);
  const root = make("div", "xp xc xc-controls");
  root.dataset.lmSuppressShortcuts = "true";
  root.setAttribute("role", "toolbar");
  root.setAttribute("aria-label", "How the curves are looked at");
  const set = (name, value) => model.send({ type: "set", name, value });
  const metrics = make("span", "xc-metrics"), list = make("datalist"), plus = button("+", "Add a panel with another metric", more);
  list.id = id;
  const x = choice("x", "The x axis", (v) => set("x", v));
  const after = choice("from", "Where the window begins", (v) => set("after_fork", v === "fork"));
  const logX = toggle("log x", "A logarithmic x axis", (v) => set("log_x", v)), logY = toggle("log y", "A logarithmic y axis", (v) => set("log_y", v));
  const show = choice("show", "The values, or differences to a baseline", (v) => model.send({ type: "show", value: v }));
  const colour = choice("colour", "Curves with the same value of a hyperparameter get one colour", (v) => set("colour_by", v));
  const group = choice("mean by", "Curves with the same value of a hyperparameter as their mean and a band of one deviation", (v) => set("group_by", v));
  const lost = toggle("lost work", "What was trained and then done again", (v) => set("lost", v));
  const save = choice("", "Save beside the notebook", (v) => { if (v) model.send({ type: "save", format: v }); save.paint(FORMATS, ""); });
  const copy = button("Copy as Python", "This comparison as it looks now, as an expression", () => copied(copy, state().snippet));
  const smooth = make("label", "xc-choice xc-smooth"), slider = make("input"), weight = make("output");
  Object.assign(slider, { type: "range", min: 0, max: 0.99, step: 0.01 });
  slider.setAttribute("aria-label", "Smoothing");
  smooth.title = "Smoothing: TensorBoard's moving average; the raw values stay, faint";
  smooth.append(make("span", "xc-name", "smooth"), slider, weight);
  save.box.classList.add("xc-save");
  root.append(metrics, list, plus, x.box, after.box, smooth, logX.box, logY.box, show.box, colour.box, group.box, lost.box, make("span", "xc-end"), save.box, copy);
  el.append(root);

  const state = () => model.get("state");
  const FORMATS = [["", "Save as…"], ["csv", "CSV: all points"], ["parquet", "Parquet: all points"], ["png", "PNG"], ["svg", "SVG"], ["html", "HTML: figure and table"]];
  let waiting = 0, touched = 0; // what is dragged is ahead of what the kernel knows
  slider.addEventListener("input", () => {
    touched = Date.now();
    weight.textContent = Number(slider.value).toFixed(2);
    clearTimeout(waiting);
    waiting = setTimeout(() => set("smoothing", Number(slider.value)), 120);
  });

  function more() {
    const s = state(), next = s.metrics.find((m) => !s.metric.includes(m));
    if (next) set("metric", [...s.metric, next]);
  }

  // One box a panel: it lists all metrics when it is entered, and takes back what is none.
  function box(metric, at) {
    const holder = make("span", "xc-metric"), input = make("input");
    Object.assign(input, { type: "text", value: metric, spellcheck: false, title: "The metric: type to search" });
    input.setAttribute("list", id);
    input.setAttribute("aria-label", "Metric");
    input.size = Math.min(Math.max(metric.length, 8), 28);
    const take = () => {
      const s = state(), value = input.value.trim();
      if (value !== metric && s.metrics.includes(value)) set("metric", s.metric.map((m, i) => (i === at ? value : m)));
      else input.value = metric;
    };
    input.addEventListener("focus", () => { input.placeholder = metric; input.value = ""; });
    input.addEventListener("input", () => { if (state().metrics.includes(input.value)) take(); });
    input.addEventListener("blur", take);
    input.addEventListener("keydown", (e) => { if (e.key === "Enter") input.blur(); else if (e.key === "Escape") { input.value = metric; input.blur(); } });
    holder.append(input);
    if (state().metric.length > 1) {
      const away = button("×", `Take ${metric} away`, () => set("metric", state().metric.filter((_, i) => i !== at)));
      away.classList.add("xc-away");
      holder.append(away);
    }
    return holder;
  }

  let boxes = "";
  function paint() {
    const s = state();
    if (!s.metrics) return;
    const now = JSON.stringify([s.metric, s.metrics]);
    if (now !== boxes) {
      metrics.replaceChildren(...s.metric.map(box));
      list.replaceChildren(...s.metrics.map((m) => Object.assign(make("option"), { value: m })));
      boxes = now;
    }
    plus.disabled = s.metric.length >= Math.min(s.metrics.length, s.most);
    x.paint(s.axes, s.x);
    after.paint([["fork", "the first fork"], ["start", "the start"]], s.after_fork ? "fork" : "start");
    after.box.hidden = !s.forked;
    if (Date.now() - touched > 600) { slider.value = s.smoothing; weight.textContent = s.smoothing.toFixed(2); }
    logX.paint(s.log_x);
    logY.paint(s.log_y);
    logX.box.hidden = s.x === "time";
    logY.box.disabled = s.show !== "values";
    show.paint(s.shows, s.show);
    show.box.hidden = s.shows.length < 2;
    colour.paint([["", "each curve"], ...s.hyperparameters.map((h) => [h, h])], s.colour_by);
    group.paint([["", "none"], ...s.hyperparameters.map((h) => [h, h])], s.group_by);
    colour.box.hidden = group.box.hidden = !s.hyperparameters.length;
    lost.paint(s.lost);
    lost.box.hidden = !s.has_lost;
    save.paint(FORMATS, "");
    root.toggleAttribute("data-busy", Boolean(s.busy));
  }
  model.on("change:state", paint);
  const leave = settle(root);
  paint();
  return () => { leave(); model.off("change:state", paint); };
}

export default { render };
