// The lineage as a virtualised WAI-ARIA tree: only rows in view are in the DOM. No build step, no network.
// Text reaches the page through textContent alone: names in a bucket are other people's words.
const LANES = 40; // as many as the kernel sends
const VERBS = [
  ["fork", "Fork", "f", "Fork this node: one click, a name is proposed"],
  ["resume", "Resume", "r", "Start the training again from this node, in a fork of its own"],
  ["diff", "Diff", "d", "What differs between two marked nodes, or this one and its parent"],
  ["compare", "Compare", "c", "The curves of the marked nodes, or of this one and its parent"],
  ["prefetch", "Prefetch", "p", "Read this checkpoint into the cache of this machine"],
  ["snapshot", "Snapshot", "s", "Freeze this bucket as it is now"],
  ["show", "Details", "Enter", "Tensors, configuration and training state of this checkpoint"],
  ["undo", "Undo", "z", "Take back the last fork or snapshot made here"],
];

function render({ model, el }) {
  const id = "xp" + Math.random().toString(36).slice(2, 9);
  const root = make("div", "xp");
  root.dataset.lmSuppressShortcuts = "true";
  const bar = make("div", "xp-bar"), find = make("input", "xp-find"), count = make("span", "xp-count"), store = make("span", "xp-store");
  Object.assign(find, { type: "search", placeholder: "Filter  /", spellcheck: false });
  find.setAttribute("aria-label", "Filter the lineage");
  count.setAttribute("role", "status");
  bar.append(find, count, store);
  const acts = make("div", "xp-bar xp-acts"), changes = make("input", "xp-changes");
  acts.setAttribute("role", "toolbar");
  acts.setAttribute("aria-label", "Act on the selected node");
  Object.assign(changes, { type: "text", placeholder: "changes: lr=3e-5 seed=7", spellcheck: false, title: "What the next fork or resume changes" });
  changes.setAttribute("aria-label", "Changes for the next fork or resume");
  const buttons = new Map();
  for (const [verb, label, key, title] of VERBS) {
    const b = make("button", "xp-btn", label);
    Object.assign(b, { type: "button", title: `${title}  (${key})` });
    b.setAttribute("aria-keyshortcuts", key);
    b.dataset.verb = verb;
    b.addEventListener("click", () => act(verb));
    buttons.set(verb, b);
    acts.append(b);
    if (verb === "resume") acts.append(changes, make("span", "xp-gap"));
    if (verb === "compare" || verb === "snapshot") acts.append(make("span", "xp-gap"));
  }
  const head = make("div", "xp-row xp-head");
  head.setAttribute("aria-hidden", "true");
  for (const [cls, text] of [["graph", ""], ["name", "node"], ["changed", "changed"], ["step", "step"], ["loss", "loss"], ["curve", ""], ["age", "age"], ["size", "size"], ["disk", ""], ["state", "run"]]) head.append(make("span", `xp-${cls}`, text));
  const view = make("div", "xp-view"), pad = make("div", "xp-pad"), win = make("div", "xp-win");
  view.tabIndex = 0;
  view.setAttribute("role", "tree");
  view.setAttribute("aria-label", "Lineage, newest first");
  view.setAttribute("aria-multiselectable", "true");
  const empty = make("div", "xp-empty");
  pad.append(win);
  view.append(pad, empty);
  const foot = make("div", "xp-foot"), snippet = make("code", "xp-snippet"), copy = make("button", "xp-btn xp-copy", "Copy"), notice = make("div", "xp-notice");
  Object.assign(copy, { type: "button", title: "Copy as Python" });
  notice.setAttribute("role", "status");
  notice.setAttribute("aria-live", "polite");
  foot.append(snippet, copy);
  root.append(bar, acts, head, view, foot, notice);
  el.append(root);

  let N = 0, rows = [], facts = [], links, curves = {}, at = new Map(), shown = [], place = new Map(), depth = new Map(), sibling = new Map(), columns = 1, width = 14;
  const drawn = new Map(); // rows that are in the DOM, to be moved and dressed rather than made again
  const get = (name) => model.get(name);

  function load() {
    rows = get("rows") ? get("rows").split("\n").map((r) => r.split("\t")) : [];
    N = rows.length;
    const raw = get("links");
    links = raw && raw.byteLength ? new Int32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength)) : new Int32Array(0);
    at = new Map(rows.map((r, i) => [r[1], i]));
    depth = new Map();
    sibling = new Map();
    for (let i = N - 1; i >= 0; i--) { // oldest first: a parent's rows come before those of its forks
      const bucket = rows[i][2], origin = links[3 * i + 2];
      if (!depth.has(bucket)) depth.set(bucket, origin >= 0 ? (depth.get(rows[origin][2]) || 0) + 1 : 0);
      sibling.set(bucket, (sibling.get(bucket) || 0) + 1);
    }
    columns = Math.min(LANES, 1 + links.reduce((most, c, i) => (i % 3 === 0 && c > most ? c : most), 0));
    learn();
  }

  // Lanes take at most a quarter of the place: they draw nearer together, then the last ones are cut.
  function fit() {
    const room = Math.max(60, Math.min(240, 0.26 * (root.clientWidth || 900)));
    width = Math.max(5, Math.min(14, room / columns));
    root.style.setProperty("--xp-graph", `${Math.min(columns * width + 6, room)}px`);
    drawn.clear();
    paint();
  }

  function learn() {
    facts = get("facts") ? get("facts").split("\n").map((r) => r.split("\t")) : [];
    curves = get("curves") || {};
    sift();
  }

  function sift() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean), seen = new Map();
    shown = [];
    for (let i = 0; i < N; i++) {
      if (words.length) {
        const f = facts[i] || [], text = `${rows[i][2]}@${rows[i][3]} ${f[2] || ""} ${f[6] || ""} step ${f[0] || ""}`.toLowerCase();
        if (!words.every((w) => text.includes(w))) continue;
      }
      shown.push(i);
    }
    place = new Map(shown.map((i, r) => [i, r]));
    for (const i of shown) { const b = rows[i][2]; seen.set(b, (seen.get(b) || 0) + 1); rows[i].nth = seen.get(b); }
    pad.style.height = `${shown.length * ROW}px`;
    count.textContent = words.length ? `${shown.length} of ${N}` : `${N} node${N === 1 ? "" : "s"}`;
    const told = get("store") || {};
    empty.textContent = shown.length ? "" : words.length ? "Nothing matches. Esc clears the filter." : told.stale ? "Reading the store…" : "No bucket here yet. `explorer demo` makes some, or train with explorer.Run.";
    drawn.clear();
    fit();
  }

  function row(r) {
    const i = shown[r], [graph, address, bucket, name] = rows[i], f = facts[i] || [], e = make("div", "xp-row");
    const isHead = name === "";
    const step = f[0] ? Number(f[0]) : null;
    e.id = `${id}-${i}`;
    e.dataset.address = address;
    e.setAttribute("role", "treeitem");
    e.setAttribute("aria-level", depth.get(bucket) + 1);
    e.setAttribute("aria-setsize", sibling.get(bucket));
    e.setAttribute("aria-posinset", rows[i].nth);
    if (isHead) e.classList.add("xp-ishead");
    const filtered = shown.length !== N, cell = (cls, text) => { const s = make("span", `xp-${cls}`, text); if (text) s.title = text; e.append(s); return s; };
    const lane = Math.min(links[3 * i], LANES - 1), alone = " ".repeat(2 * lane) + (isHead ? "○" : "●");
    cell("graph").append(lanes(filtered ? alone : graph, filtered || i + 1 >= N ? "" : rows[i + 1][0], width, f[6], isHead ? "○" : "●"));
    const label = cell("name");
    label.title = address;
    if (isHead) label.append(make("b", "", bucket));
    else label.append(make("span", "xp-dim", `${bucket}@`), make("span", "", name));
    cell("changed", f[2] || "").classList.toggle("xp-dim", !isHead);
    cell("step", step === null ? "" : step.toLocaleString("en"));
    cell("loss", f[1] || "");
    cell("curve").append(spark(curves[bucket], step));
    cell("age", age(Number(f[3])));
    cell("size", f[4] || "");
    const part = f[5] === "" || f[5] === undefined ? null : Number(f[5]);
    const badge = cell("disk");
    if (part !== null) badge.append(disk(part));
    const state = cell("state");
    if (f[6]) state.append(make("span", `xp-tag xp-${f[6]}`, f[6]));
    if (f[7]) { const warn = make("span", "xp-warn", "⚠"); warn.title = f[7]; warn.setAttribute("role", "img"); warn.setAttribute("aria-label", f[7]); state.append(warn); }
    e.setAttribute("aria-label", [isHead ? `${bucket}, head` : `${bucket} at ${name}`, f[2], step === null ? "" : `step ${step}`, f[1] ? `loss ${f[1]}` : "", f[6] ? `run ${f[6]}` : "", part >= 1 ? "on this disk" : "", f[7]].filter(Boolean).join(", "));
    return e;
  }

  // The kernel reads what rows in view lack; told once the scrolling rests.
  let resting = 0, told = "";
  function see(a, b) {
    clearTimeout(resting);
    resting = setTimeout(() => {
      const nodes = shown.slice(a, b).map((i) => rows[i][1]), now = nodes.join();
      if (now !== told) { told = now; model.send({ type: "see", nodes }); }
    }, 150);
  }

  function paint() {
    const a = Math.max(0, Math.floor(view.scrollTop / ROW) - 4), b = Math.min(shown.length, a + Math.ceil((view.clientHeight || 320) / ROW) + 8), out = [];
    const selected = get("selected"), marked = new Set(get("marked"));
    for (let r = a; r < b; r++) {
      const i = shown[r], address = rows[i][1], e = drawn.get(i) || row(r);
      drawn.set(i, e);
      e.classList.toggle("xp-sel", address === selected);
      e.classList.toggle("xp-mark", marked.has(address));
      e.setAttribute("aria-selected", address === selected || marked.has(address));
      out.push(e);
    }
    win.style.transform = `translateY(${a * ROW}px)`;
    if (out.length !== win.childElementCount || out.some((e, n) => e !== win.children[n])) win.replaceChildren(...out);
    if (drawn.size > 200) for (const [i, e] of drawn) if (!e.isConnected) drawn.delete(i);
    see(a, b);
    const i = at.get(selected);
    if (i !== undefined) view.setAttribute("aria-activedescendant", `${id}-${i}`);
    else view.removeAttribute("aria-activedescendant");
  }

  function frame() {
    const told = get("store") || {}, note = get("notice") || {}, chosen = at.has(get("selected")), busy = get("busy");
    store.textContent = told.label ? `${told.label}${told.closed ? " · closed" : told.stale ? " · last seen" : ""}` : "";
    store.title = told.endpoint || "";
    store.dataset.live = told.failed ? "failed" : told.stale || told.closed ? "stale" : "live";
    snippet.textContent = get("snippet") || "";
    foot.hidden = !get("snippet");
    notice.className = `xp-notice xp-${note.kind || "none"}`;
    notice.replaceChildren();
    if (note.text) notice.append(make("span", "", note.text));
    if (note.hint) notice.append(make("span", "xp-hint", note.hint));
    for (const [verb, b] of buttons) {
      b.disabled = told.closed || (!chosen && verb !== "undo") || (told.snapshots === false && ["fork", "snapshot", "resume"].includes(verb));
      b.toggleAttribute("data-busy", busy.includes(verb));
    }
  }

  function reveal(r) {
    const y = r * ROW;
    if (y < view.scrollTop) view.scrollTop = y;
    else if (y + ROW > view.scrollTop + view.clientHeight) view.scrollTop = y + ROW - view.clientHeight;
  }
  function select(i) {
    if (i === undefined || i === null || i < 0 || i >= N) return;
    model.set("selected", rows[i][1]); // its change event paints
    model.save_changes();
  }
  function mark(i) {
    const address = rows[i][1], marked = get("marked");
    model.set("marked", marked.includes(address) ? marked.filter((m) => m !== address) : [...marked, address]);
    model.save_changes();
  }
  function act(verb) {
    if (buttons.get(verb).disabled || get("busy").includes(verb)) return;
    model.send({ type: "act", verb, node: get("selected"), marked: get("marked"), changes: changes.value });
    if (verb === "fork" || verb === "resume") changes.value = "";
  }

  view.addEventListener("scroll", paint, { passive: true });
  view.addEventListener("click", (event) => {
    const e = event.target.closest(".xp-row");
    if (!e || !at.has(e.dataset.address)) return;
    view.focus({ preventScroll: true });
    const i = at.get(e.dataset.address);
    if (event.ctrlKey || event.metaKey || event.shiftKey) mark(i);
    select(i);
  });
  view.addEventListener("dblclick", (event) => { if (event.target.closest(".xp-row")) act("show"); });

  view.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab" || event.key === "Escape") return;
    event.stopPropagation(); // or the notebook would cut cells at `x` and delete them at `d d`
    const i = at.get(get("selected")), r = i === undefined ? -1 : place.get(i) ?? -1, page = Math.max(1, Math.floor(view.clientHeight / ROW) - 1);
    const go = (to) => select(shown[Math.max(0, Math.min(shown.length - 1, to))]);
    const keys = {
      ArrowDown: () => go(r + 1), j: () => go(r + 1), ArrowUp: () => go(r - 1), k: () => go(r - 1),
      PageDown: () => go(r + page), PageUp: () => go(r - page), Home: () => go(0), g: () => go(0), End: () => go(shown.length - 1), G: () => go(shown.length - 1),
      ArrowLeft: () => i !== undefined && select(links[3 * i + 1]), h: () => i !== undefined && select(links[3 * i + 2] >= 0 ? links[3 * i + 2] : links[3 * i + 1]),
      ArrowRight: () => i !== undefined && select(child(i)), l: () => i !== undefined && select(child(i)),
      " ": () => { if (i !== undefined) { mark(i); go(r + 1); } }, "/": () => find.focus(),
    };
    for (const [verb, , key] of VERBS) keys[key] = () => act(verb);
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  // The first fork made here, else the next newer node that grew from this one.
  function child(i) {
    let next = null;
    for (let k = i - 1; k >= 0; k--) if (links[3 * k + 1] === i) { if (rows[k][2] !== rows[i][2]) return k; next ??= k; }
    return next;
  }
  for (const box of [find, changes]) box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") { box.value = ""; sift(); view.focus(); }
    if (event.key === "Enter") { event.preventDefault(); if (box === find) { view.focus(); if (shown.length && !place.has(at.get(get("selected")))) select(shown[0]); } else act("fork"); }
  });
  let waiting = 0;
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { view.scrollTop = 0; sift(); }, N > 5000 ? 100 : 0); });
  copy.addEventListener("click", async () => {
    try { await navigator.clipboard.writeText(snippet.textContent); copy.textContent = "Copied"; } catch { getSelection().selectAllChildren(snippet); copy.textContent = "Select + Ctrl C"; }
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });

  // Follow the page's theme: Jupyter says it on <body>, others are asked by the colour behind us.
  function theme() {
    const told = document.body.dataset.jpThemeLight;
    const dark = told ? told === "false" : document.documentElement.dataset.theme === "dark" || matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "dark" : "light";
  }
  theme();
  const themes = new MutationObserver(theme), sizes = new ResizeObserver(fit), clock = setInterval(fit, 15000); // ages move
  themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  sizes.observe(root);
  // One message of the kernel changes several traits: work once, when all are in.
  const due = new Set();
  function soon(job) {
    if (!due.size) queueMicrotask(() => {
      const jobs = new Set(due);
      due.clear();
      if (jobs.has(load)) load(); else if (jobs.has(learn)) learn();
      frame();
    });
    due.add(job);
  }
  const bound = [
    ["change:rows", () => soon(load)], ["change:links", () => soon(load)], ["change:facts", () => soon(learn)], ["change:curves", () => soon(learn)], ["change:selected", () => { const i = at.get(get("selected")); if (place.has(i)) reveal(place.get(i)); paint(); frame(); }], ["change:marked", paint],
    ["change:store", () => soon(learn)], ["change:notice", frame], ["change:busy", frame], ["change:snippet", frame],
    ["change:height", () => { view.style.maxHeight = `${get("height")}px`; }],
  ];
  for (const [name, call] of bound) model.on(name, call);
  view.style.maxHeight = `${get("height")}px`;
  load();
  frame();
  return () => {
    themes.disconnect();
    sizes.disconnect();
    clearInterval(clock);
    for (const [name, call] of bound) model.off(name, call);
  };
}

export default { render };
