// plotly's own widget code weighs 5 MB: this model carries it, once a kernel, and a page evaluates it once.
const KEY = "explorer:plotly";

function library() {
  if (!globalThis[KEY]) {
    let open;
    globalThis[KEY] = { ready: new Promise((resolve) => { open = resolve; }), asked: false };
    globalThis[KEY].open = open;
  }
  return globalThis[KEY];
}

function initialize({ model }) {
  const page = library();
  if (page.asked) return;
  page.asked = true;
  const url = URL.createObjectURL(new Blob([model.get("source")], { type: "text/javascript" }));
  // not before the small widgets around us are ready: evaluating it keeps the page busy
  setTimeout(() => import(url).then(page.open, (error) => { page.asked = false; throw error; }), 50);
}

export default { initialize };
