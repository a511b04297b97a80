// What a row is made of: lanes, curve, age, disk. Read in front of tree.js, as one module.
const ROW = 26, MID = ROW / 2, HUES = 8, SVG = "http://www.w3.org/2000/svg";

function make(tag, cls, text) {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  return e;
}

function svg(tag, attributes, cls) {
  const e = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  if (cls) e.setAttribute("class", cls);
  return e;
}

const joinsUp = (glyph) => glyph === "│" || glyph === "●" || glyph === "┘" || glyph === "┴" || glyph === "┼";

// One row of lanes out of the same glyphs that the terminal prints; `below` is the next row's.
function lanes(graph, below, width, state, lone) {
  const columns = Math.max(1, Math.ceil(graph.length / 2)), out = svg("svg", { width: width * columns + 4, height: ROW, "aria-hidden": "true" }, "xp-lanes");
  const x = (k) => k * width + Math.min(8, width / 2 + 2), line = (d, k) => out.append(svg("path", { d }, `xp-l${k % HUES}`));
  let own = -1, dot = "";
  const closing = [];
  for (let k = 0; k < columns; k++) {
    const g = graph[2 * k];
    if (g === "○" || g === "●") [own, dot] = [k, g];
    if (g === "┘" || g === "┴") closing.push(k);
  }
  if (own < 0) [own, dot] = [columns - 1, lone]; // its lane is beyond what is drawn
  const bend = Math.min(7, width / 2);
  for (const k of closing.reverse()) line(`M${x(k)} 0V${MID - bend}Q${x(k)} ${MID} ${x(k) - bend} ${MID}H${x(own)}`, k);
  for (let k = 0; k < columns; k++) {
    const g = graph[2 * k], down = joinsUp(below[2 * k] || " ");
    if (g === "│" || g === "┼") line(`M${x(k)} 0V${ROW}`, k);
    else if (g === "●") line(`M${x(k)} 0V${down ? ROW : MID}`, k);
    else if (g === "○" && down) line(`M${x(k)} ${MID}V${ROW}`, k);
  }
  if (own >= 0) {
    const shape = svg("circle", { cx: x(own), cy: MID, r: dot === "○" ? 4.5 : 3.5 }, `xp-l${own % HUES} ${dot === "○" ? "xp-ring" : "xp-dot"}`);
    if (state === "running") shape.classList.add("xp-pulse");
    out.append(shape);
  }
  return out;
}

// The bucket's curve up to `step`: inherited part faint, own part strong.
function spark(curve, step) {
  const out = svg("svg", { width: 64, height: ROW, "aria-hidden": "true" }, "xp-spark");
  if (!curve) return out;
  const [steps, values, from] = curve;
  const last = step === null ? steps.length : steps.findIndex((s) => s > step);
  const n = last < 0 ? steps.length : last;
  if (n < 2) return out;
  let low = Infinity, high = -Infinity;
  for (const v of values) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  const first = steps[0], span = steps[steps.length - 1] - first || 1, rise = high - low || 1;
  const parts = { old: "", own: "" };
  let pen = { old: false, own: false };
  for (let i = 0; i < n; i++) {
    if (!Number.isFinite(values[i])) { pen = { old: false, own: false }; continue; }
    const at = `${(1 + 62 * (steps[i] - first) / span).toFixed(1)} ${(ROW - 6 - (ROW - 12) * (values[i] - low) / rise).toFixed(1)}`;
    const part = from !== null && steps[i] >= from ? "own" : "old";
    if (part === "own" && !pen.own && pen.old) parts.old += `L${at}`;
    parts[part] += `${pen[part] ? "L" : "M"}${at}`;
    pen = { old: part === "old", own: part === "own" };
  }
  if (parts.old) out.append(svg("path", { d: parts.old }, "xp-old"));
  if (parts.own) out.append(svg("path", { d: parts.own }, "xp-own"));
  return out;
}

function age(ms) {
  if (!ms) return "";
  const s = Math.max(0, (Date.now() - ms) / 1000);
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60]]) if (s >= size) return `${Math.floor(s / size)}${unit}`;
  return `${Math.floor(s)}s`;
}

// ○ on the store, a slice while it comes, ● on this disk.
function disk(part) {
  const out = svg("svg", { width: 14, height: 14, viewBox: "0 0 14 14", role: "img" }, "xp-disk");
  out.append(svg("circle", { cx: 7, cy: 7, r: 5 }, part >= 1 ? "xp-full" : "xp-none"));
  if (part > 0 && part < 1) {
    const a = 2 * Math.PI * part, to = `${(7 + 5 * Math.sin(a)).toFixed(2)} ${(7 - 5 * Math.cos(a)).toFixed(2)}`;
    out.append(svg("path", { d: `M7 7V2A5 5 0 ${part > 0.5 ? 1 : 0} 1 ${to}Z` }, "xp-full"));
  }
  const words = part >= 1 ? "on this disk" : part > 0 ? `${Math.round(part * 100)} % on this disk` : "not on this disk";
  out.setAttribute("aria-label", words);
  out.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: words }));
  return out;
}
