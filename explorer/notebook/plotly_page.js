// What the page knows of plotly's code. Read in front of plotly_library.js and plotly_figure.js, as one module each.
const KEY = "explorer:plotly";

function plotlyPage() {
  if (!globalThis[KEY]) {
    const page = { source: null, wanted: false, begun: false };
    page.ready = new Promise((resolve) => { page.open = resolve; });
    globalThis[KEY] = page;
  }
  return globalThis[KEY];
}

// Not before a figure is shown, when the small widgets around it are ready: evaluating 5 MB keeps the page busy.
function begin(page) {
  if (page.begun || !page.wanted || !page.source) return;
  page.begun = true;
  const url = URL.createObjectURL(new Blob([page.source()], { type: "text/javascript" }));
  setTimeout(() => import(url).then(page.open, (error) => { page.begun = false; throw error; }), 50);
}
