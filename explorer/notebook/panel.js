// What the panels around a figure share. Read in front of each, as one module.
// Text reaches the page through textContent alone: names in a bucket are other people's words.
function make(tag, cls, text) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  return e;
}

function button(label, title, call) {
  const b = make("button", "xp-btn", label);
  Object.assign(b, { type: "button", title });
  b.addEventListener("click", call);
  return b;
}

// A choice with its name in front; `told` gives [value, label] pairs.
function choice(name, title, call) {
  const box = make("label", "xc-choice"), select = make("select");
  box.title = title;
  select.setAttribute("aria-label", title);
  select.addEventListener("change", () => call(select.value));
  box.append(make("span", "xc-name", name), select);
  let before = "";
  const paint = (told, value) => {
    const now = JSON.stringify(told);
    if (now !== before) select.replaceChildren(...told.map(([v, label]) => Object.assign(make("option", "", label), { value: v })));
    before = now;
    select.value = value;
  };
  return { box, paint };
}

function toggle(label, title, call) {
  const b = button(label, title, () => call(b.getAttribute("aria-pressed") !== "true"));
  return { box: b, paint: (on) => b.setAttribute("aria-pressed", String(Boolean(on))) };
}

// Keep to ourselves, and follow the page's theme: Jupyter says it on <body>, others are asked by the document.
function settle(root) {
  const theme = () => {
    const told = document.body.dataset.jpThemeLight;
    const dark = told ? told === "false" : document.documentElement.dataset.theme === "dark" || matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "dark" : "light";
  };
  // keys typed here are meant for nobody else: Jupyter moves between cells with them
  root.addEventListener("keydown", (event) => event.stopPropagation());
  theme();
  const themes = new MutationObserver(theme);
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  return () => themes.disconnect();
}

async function copied(b, text) {
  const label = b.textContent;
  try { await navigator.clipboard.writeText(text); b.textContent = "Copied"; } catch { b.textContent = "Not allowed"; }
  setTimeout(() => { b.textContent = label; }, 1500);
}
