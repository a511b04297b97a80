// plotly's own widget code weighs 5 MB: this model carries it, once a kernel, and a page evaluates it once.
function initialize({ model }) {
  const page = plotlyPage();
  page.source ??= () => model.get("source");
  begin(page);
}

export default { initialize };
