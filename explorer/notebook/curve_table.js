// The table under the figure, which is its legend too; the chosen checkpoint with its verbs; what was said.
function render({ model, el }) {
  const root = make("div", "xp xc xc-below");
  root.dataset.lmSuppressShortcuts = "true";
  const pick = make("div", "xp-bar xc-pick"), place = make("span", "xc-place"), changes = make("input", "xp-changes");
  Object.assign(changes, { type: "text", placeholder: "changes: lr=3e-5 seed=7", spellcheck: false, title: "What the fork or the resumed run changes" });
  changes.setAttribute("aria-label", "Changes for the fork or resume");
  const act = (verb) => model.send({ type: "act", verb, changes: changes.value });
  const verbs = [["fork", "Fork", "A new bucket that starts from this checkpoint"], ["resume", "Resume", "Train on from this checkpoint, in a fork of its own, whose curve comes into this figure"], ["diff", "Diff", "What differs between this checkpoint and the one before it"]].map(([verb, label, title]) => {
    const b = button(label, title, () => act(verb));
    b.dataset.verb = verb;
    return b;
  });
  const snippet = make("code", "xp-snippet"), copy = button("Copy", "Copy as Python", () => copied(copy, snippet.textContent)), away = button("×", "Choose none", () => model.send({ type: "choose" }));
  copy.classList.add("xp-copy");
  pick.append(place, verbs[0], verbs[1], changes, verbs[2], snippet, copy, away);
  changes.addEventListener("keydown", (e) => { if (e.key === "Enter") act("resume"); });
  const bar = make("div", "xp-bar xc-find"), find = make("input", "xp-find"), count = make("span", "xp-count");
  Object.assign(find, { type: "search", placeholder: "Filter:  val_loss<2.05 lr>1e-4 name", spellcheck: false, title: "Column names, <, >, =, != and parts of names; curves that are filtered out are not drawn" });
  find.setAttribute("aria-label", "Filter the curves");
  count.setAttribute("role", "status");
  bar.append(find, count);
  const scroll = make("div", "xc-scroll"), table = make("table"), head = make("thead"), body = make("tbody");
  scroll.tabIndex = 0;
  table.append(head, body);
  scroll.append(table);
  const notice = make("div", "xp-notice");
  notice.setAttribute("role", "status");
  notice.setAttribute("aria-live", "polite");
  root.append(pick, bar, scroll, notice);
  el.append(root);
  let waiting = 0;
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => model.send({ type: "set", name: "filter", value: find.value }), 250); });

  // A piece of the curve as a legend has it.
  function swatch(row) {
    const b = button("", row.hidden ? "Show this curve" : "Hide this curve", () => model.send({ type: "hide", index: row.index }));
    b.className = "xc-swatch";
    b.setAttribute("aria-pressed", String(!row.hidden));
    b.setAttribute("aria-label", `${row.hidden ? "Show" : "Hide"} ${row.label}`);
    const line = make("span");
    line.style.borderTop = `3px ${{ solid: "solid", dash: "dashed", dot: "dotted", dashdot: "dashed" }[row.dash]} ${row.colour}`;
    b.append(line);
    return b;
  }

  function heads(s) {
    const row = make("tr");
    for (const column of [{ name: "label", head: "node", told: "the node, as its address" }, ...s.columns]) {
      const th = make("th", column.number ? "xc-n" : ""), down = s.sort === "-" + column.name, up = s.sort === column.name;
      th.setAttribute("aria-sort", down ? "descending" : up ? "ascending" : "none");
      th.append(button(column.head + (down ? " ▾" : up ? " ▴" : ""), `${column.told}; filter and sort it as ${column.name}`, () => model.send({ type: "set", name: "sort", value: up ? "-" + column.name : down ? "" : column.name })));
      row.append(th);
    }
    return row;
  }

  function line(row, s) {
    const tr = make("tr", row.hidden ? "xc-hidden" : ""), first = make("td", "xc-node");
    first.append(swatch(row), make("span", "", row.label));
    tr.append(first);
    row.cells.forEach((text, i) => tr.append(s.columns[i].name === "state" ? tagged(text) : make("td", s.columns[i].number ? "xc-n" : "", text)));
    return tr;
  }

  function tagged(text) {
    const td = make("td");
    if (text) td.append(make("span", `xp-tag xp-${/^\w+$/.test(text) ? text : "none"}`, text));
    return td;
  }

  let before = "";
  function paint() {
    const s = model.get("state");
    if (!s.columns) return;
    const now = JSON.stringify([s.columns, s.rows, s.sort]);
    if (now !== before) {
      before = now;
      const at = scroll.scrollLeft;
      head.replaceChildren(heads(s));
      body.replaceChildren(...s.rows.map((row) => line(row, s)));
      scroll.scrollLeft = at;
    }
    count.textContent = s.rows.length === s.total ? `${s.total} curves` : `${s.rows.length} of ${s.total} curves`;
    if (document.activeElement !== find) find.value = s.filter;
    pick.hidden = !s.selected;
    place.textContent = s.selected ? s.selected.label : "";
    snippet.textContent = s.selected ? s.selected.snippet : "";
    for (const b of verbs) { b.disabled = Boolean(s.busy); b.toggleAttribute("data-busy", s.busy === b.dataset.verb); }
    notice.className = `xp-notice xp-${s.notice.kind || "none"}`;
    notice.replaceChildren(...[s.notice.text && make("span", "", s.notice.text), s.notice.hint && make("span", "xp-hint", s.notice.hint)].filter(Boolean));
    for (const text of s.warnings) notice.append(make("div", "xc-warning", `⚠ ${text}`));
  }
  model.on("change:state", paint);
  const leave = settle(root);
  paint();
  return () => { leave(); model.off("change:state", paint); };
}

export default { render };
