// The page in the reader's language. English is what the code says and costs nothing; otherwise the catalogue of the one
// language is fetched before Gradio draws, and every text is put into it as it appears. What people wrote is left alone.
(() => {
  const CHOICE = "studio-language", KNOWN = ["de", "es", "zh-CN"];
  const SHOWN = ["placeholder", "title", "aria-label", "alt"], SENTENCES = /(?<=[.!?]) (?=[\p{Lu}\d“])/u, SHORT = /^(?:\d(?:[^.;]|\.\d){0,24}|\S{0,40})$/, BARE = /^[\d.,×$€% ]*(?: ?[A-Za-z]{1,2})?$/, DATE = /^(\d{1,2}) ([A-Z][a-z]{2,8}) (\d{4})(, [\d:]{5,8})?$/, KEYED = /^(.+) \(([^()]{1,14})\)$/;
  const KEPT = 4000, FEW = 10; // remembered texts; letters below which a pattern's holes must be short
  const STYLED = { "--file-is-gone": "The file of this picture is gone.", "--file-gone": "file gone", "--styles": "Styles", "--enter": "Ctrl ↵", "--no-wildcards": "Put text files into presets/wildcards, one choice a line." };
  const NOBODYS = "(no prompt)";
  // What people wrote, or what files and providers are called.
  const TEXTS = "[translate=no], [contenteditable], script, style, textarea, code, pre, .tile, .prompt, #queue .what b, .leaf b, #history .use b, #presentation .caption, .bench .caption .title, .card span, .groups .chip:not([data-group='']), [data-part=tags], [data-part=boards], [data-part=heading] b, [data-part=ask-list], [data-part=base] b, #compare-side figure b, .collection .name, #who b, [data-person] th, .verdict .file, ins, del, .found td:nth-child(5), [data-list=survives] b, .version";
  const ATTRIBUTES = "[translate=no], .tile, .shot, .leaf, .card, [data-part=boards] *, #frame img, .frame img, .room img, .picture-box img, .pane img, #large-image";
  const TERMS = ["Prompt", "Negative", "Model", "Preset", "File", "Folder", "By", "Id", "Source", "Hash", "SHA-256"];
  const OPTIONS = "[data-filter=tag], [data-filter=model], #presentation-shelf, #presentation-beside, #models-family";

  const read = () => { try { return localStorage.getItem(CHOICE) || ""; } catch { return ""; } };
  const fitting = (tag) => (/^zh\b(?!-(?:TW|HK|MO|Hant))/i.test(tag) ? "zh-CN" : ["en", ...KNOWN].find((each) => each === tag.slice(0, 2).toLowerCase()));
  const chosen = read(), wanted = [...KNOWN, "en"].includes(chosen) ? chosen : (navigator.languages || [navigator.language]).map(fitting).find(Boolean) || "en";
  document.documentElement.lang = wanted;
  window.studioLanguage = {
    chosen, wanted, say: (text) => text,
    choose(name) {
      try { name ? localStorage.setItem(CHOICE, name) : localStorage.removeItem(CHOICE); } catch { /* a browser without storage goes by its own language */ }
      setTimeout(() => location.reload(), 800); // what was typed last is on its way to the studio
    },
  };
  if (fitting(navigator.language) !== wanted) Object.defineProperty(navigator, "language", { get: () => wanted }); // Gradio's own words go by it
  if (wanted === "en") return;

  const request = new XMLHttpRequest();
  request.open("GET", `language/${wanted}.json`, false);
  try { request.send(); } catch { return; }
  if (request.status !== 200) return;
  const catalogue = JSON.parse(request.responseText), patterns = [], cache = new Map(), chinese = wanted === "zh-CN";
  if (window.gradio_config) window.gradio_config.i18n_translations = { [wanted]: catalogue };

  const HOLE = /\{\d\}/, escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  for (const [key, told] of Object.entries(catalogue)) {
    if (!HOLE.test(key)) continue;
    const literals = key.split(HOLE), letters = literals.join("").replace(/[^\p{L}]/gu, "").length;
    const order = [...key.matchAll(/\{(\d)\}/g)].map(([, number]) => Number(number));
    const longest = literals.reduce((one, other) => (other.length > one.length ? other : one));
    patterns.push({ shape: new RegExp(`^${literals.map(escaped).join("([\\s\\S]*?)")}$`), longest, order, told, letters });
  }
  patterns.sort((one, other) => other.letters - one.letters);

  const isShort = (part) => SHORT.test(part) || Object.hasOwn(catalogue, part);
  function matched(text) {
    for (const { shape, longest, order, told, letters } of patterns) {
      const found = text.includes(longest) && shape.exec(text);
      if (found && (letters >= FEW || found.slice(1).every(isShort))) return told.replace(/\{(\d)(\*?)\}/g, (_, number, too) => { const part = found[1 + order.indexOf(Number(number))]; return too ? said(part) : part; });
    }
    return null;
  }
  function pieces(text, by, joint, all = false) {
    const parts = text.split(by), told = parts.length > 1 ? parts.map((part) => found(part) ?? (all && BARE.test(part) ? part : null)) : [];
    return (all ? told.length && !told.includes(null) : told.some((each) => each !== null)) ? told.map((each, place) => each ?? parts[place]).join(joint) : null;
  }
  function keyed(text) { // “Undo (Ctrl+Z)”
    const [, words, key] = KEYED.exec(text) || [];
    return words && Object.hasOwn(catalogue, words) ? `${catalogue[words]} (${key})` : null;
  }
  function tailed(text) { // “Euler detector, about 3 s a megapixel, not calibrated”
    const [head, ...tails] = text.split(/(?=, )/), told = tails.map((tail) => catalogue[tail] ?? matched(tail));
    return told.length && !told.includes(null) ? (found(head) ?? head) + told.join("") : null;
  }
  function dated(text) {
    const [, day, month, year, time = ""] = DATE.exec(text) || [], date = new Date(`${day} ${month} ${year} UTC`);
    return year && !Number.isNaN(date.getTime()) ? date.toLocaleDateString(wanted, { day: "numeric", month: month.length > 3 ? "long" : "short", year: "numeric", timeZone: "UTC" }) + time : null;
  }
  const ended = (text) => (text.endsWith(".") && Object.hasOwn(catalogue, text.slice(0, -1)) ? catalogue[text.slice(0, -1)] + (chinese ? "。" : ".") : null);
  function found(text) {
    if (cache.has(text)) return cache.get(text);
    const bare = text.trim().replace(/\s+/g, " ");
    let told = !/\p{L}/u.test(bare) ? null : Object.hasOwn(catalogue, bare) ? catalogue[bare] : (keyed(bare) ?? dated(bare) ?? matched(bare) ?? pieces(bare, " · ", " · ") ?? pieces(bare, SENTENCES, chinese ? "" : " ") ?? ended(bare) ?? pieces(bare, ", ", chinese ? "，" : ", ", true) ?? tailed(bare));
    if (told !== null) told = text.match(/^\s*/)[0] + told + text.match(/\s*$/)[0];
    if (cache.size > KEPT) cache.clear();
    cache.set(text, told);
    return told;
  }
  const said = (text) => found(text) ?? text;
  window.studioLanguage.say = said;

  const done = new WeakMap(), originals = new WeakMap(), marks = new WeakMap();
  const isTheirs = (element) => element.closest(TEXTS) || (element.tagName === "DD" && TERMS.includes(originals.get(element.previousElementSibling?.firstChild) ?? element.previousElementSibling?.textContent));
  function text(node) {
    const { data, parentElement: holder } = node;
    if (!holder || done.get(node) === data || (data !== NOBODYS && isTheirs(holder))) return;
    if (holder.tagName === "OPTION") {
      if (holder.value && holder.closest(OPTIONS)) return;
      if (!holder.hasAttribute("value")) holder.value = data; // its text was its value
    }
    const listed = holder.closest("[role=option]"), told = listed ? catalogue[data.trim()] ?? null : found(data);
    if (told === null || told === data) return;
    originals.set(node, data);
    done.set(node, told);
    node.data = told;
  }
  function attributes(element, only) {
    if (element.matches("input[role=listbox][readonly]")) closed(element);
    for (const name of only ? [only] : SHOWN) {
      const value = element.getAttribute(name);
      if (!value || marks.get(element)?.[name] === value || element.closest(ATTRIBUTES)) continue;
      const told = found(value);
      if (told === null || told === value) continue;
      marks.set(element, { ...marks.get(element), [name]: told });
      element.setAttribute(name, told);
    }
  }
  const own = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  function closed(input) { // a list's chosen entry stands in an input: shown in the language, read in English
    if (Object.hasOwn(input, "value")) return;
    let value = own.get.call(input);
    const show = () => own.set.call(input, catalogue[value] ?? value);
    Object.defineProperty(input, "value", { configurable: true, get: () => value, set: (more) => { value = String(more ?? ""); show(); } });
    show();
  }
  function walk(root) {
    if (root.nodeType === Node.TEXT_NODE) return text(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    attributes(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) node.nodeType === Node.TEXT_NODE ? text(node) : attributes(node);
  }
  new MutationObserver((changes) => {
    for (const { type, target, attributeName, addedNodes } of changes) {
      if (type === "childList") addedNodes.forEach(walk);
      else if (type === "characterData") text(target);
      else attributes(target, attributeName);
    }
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: SHOWN });
  for (const [name, key] of Object.entries(STYLED)) document.documentElement.style.setProperty(name, JSON.stringify(said(key)));
})();
