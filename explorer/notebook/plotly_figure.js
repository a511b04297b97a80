// plotly's FigureWidget without its 5 MB: they come by the library's model. anywidget drops every message for a
// model that was not ready within 2 s, which a busy page does not manage with 5 MB to parse: an empty figure.
// So this is ready at once, and what arrives before plotly does is kept and said again.
const SAID = ["addTraces", "deleteTraces", "moveTraces", "restyle", "relayout", "update", "animate", "removeLayoutProps", "removeTraceProps"].map((name) => `_py2js_${name}`);

// A change of several traces says "_undefined_" where it leaves one alone. plotly's model writes that down as a
// value, and cannot be shown a second time.
function cleaned(change) {
  if (!change) return change;
  const out = { ...change };
  for (const part of ["style_data", "restyle_data"]) {
    if (out[part]) out[part] = Object.fromEntries(Object.entries(out[part]).map(([key, told]) => [key, Array.isArray(told) ? told.map((v) => (v === "_undefined_" ? undefined : v)) : told]));
  }
  return out;
}

export default () => {
  let figure, early = [], ready;
  return {
    initialize({ model }) {
      // pages that make models only when they are seen make the library's now
      const id = String(model.get("library") || "").replace("IPY_MODEL_", "");
      if (id) Promise.resolve(model.widget_manager.get_model(id)).catch(() => {});
      const keep = SAID.map((name) => [`change:${name}`, () => { const value = model.get(name); if (value) early.push([name, value]); }]);
      for (const [event, call] of keep) model.on(event, call);
      const heard = new Map(), said = {};
      const facade = {
        get(name) {
          const value = name in said ? said[name] : model.get(name);
          return SAID.includes(name) ? cleaned(value) : value;
        },
        set: (name, value) => model.set(name, value),
        // a figure that is just being closed may still have something to say
        save_changes() { try { model.save_changes(); } catch { /* nobody listens any more */ } },
        on(event, call) { heard.set(event, [...(heard.get(event) || []), call]); model.on(event, call); },
        off: (event, call) => model.off(event, call),
      };
      ready = plotlyPage().ready.then((plotly) => {
        for (const [event, call] of keep) model.off(event, call);
        figure = plotly.default();
        figure.initialize({ model: facade });
        for (const [name, value] of early) {
          said[name] = value;
          for (const call of heard.get(`change:${name}`) || []) call();
          delete said[name];
        }
        early = [];
      });
    },
    render({ el }) {
      let leave, gone = false, width = 0;
      const page = plotlyPage();
      page.wanted = true;
      begin(page);
      // plotly measures its width only when the window is resized: say so when the place for it changes
      const watch = new ResizeObserver(() => {
        const now = el.parentElement ? el.parentElement.clientWidth : 0;
        if (now && now !== width) { width = now; window.dispatchEvent(new Event("resize")); }
      });
      ready.then(() => {
        if (gone) return;
        leave = figure.render({ el });
        if (el.parentElement) watch.observe(el.parentElement);
      });
      return () => { gone = true; watch.disconnect(); if (leave) leave(); };
    },
  };
};
