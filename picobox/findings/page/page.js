"use strict";
// Search, filters, order, links and keys for a list that is whole without them. The page's own text is all it reads.
(() => {
  const byId = (id) => document.getElementById(id);
  const list = byId("findings");
  const form = byId("controls");
  const search = byId("search");
  const selects = ["rule", "process", "test", "suppressed", "sort"].map(byId);
  const severities = Array.from(byId("severities").querySelectorAll("input"));
  const order = new Map(severities.map((box, place) => [box.value, place]));
  const items = Array.from(list.children, (node, place) => ({
    node,
    place,
    data: node.dataset,
    details: node.querySelector("details"),
    text: null,
  }));

  // The text of a finding is gathered when it is first searched: a report may have thousands.
  const textOf = (item) => (item.text ??= item.node.textContent.toLowerCase());

  function fillSelect(select) {
    const counts = new Map();
    for (const item of items) {
      const value = item.data[select.id];
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    select.append(new Option("all", ""));
    for (const value of [...counts.keys()].sort(compare)) {
      // A prefix keeps the empty name apart from "all".
      select.append(new Option(`${value || "none"} (${counts.get(value).toLocaleString("en")})`, `=${value}`));
    }
    select.parentElement.hidden = counts.size < 2;
  }

  function isWanted(item, words, chosen) {
    const { data } = item;
    const suppressed = data.suppressed !== "";
    return (
      chosen.severities.has(data.severity) &&
      (chosen.suppressed === "all" || suppressed === (chosen.suppressed === "only")) &&
      ["rule", "process", "test"].every((name) => chosen[name] === "" || chosen[name] === `=${data[name]}`) &&
      words.every((word) => textOf(item).includes(word))
    );
  }

  const compare = new Intl.Collator("en", { numeric: true }).compare;
  const orders = {
    time: (a, b) => Number(a.data.time) - Number(b.data.time),
    count: (a, b) => Number(b.data.count) - Number(a.data.count),
  };
  for (const name of ["rule", "path", "process", "test"]) {
    orders[name] = (a, b) => compare(a.data[name], b.data[name]);
  }

  let sorted = "";
  function sortBy(name) {
    if (name === sorted) return;
    sorted = name;
    const by = orders[name] ?? (() => 0);
    // Equals keep the order in which the page was written: the gravest first.
    items.sort((a, b) => by(a, b) || a.place - b.place);
    list.append(...items.map((item) => item.node));
  }

  function chosen() {
    return {
      ...Object.fromEntries(selects.map((select) => [select.id, select.value])),
      severities: new Set(severities.filter((box) => box.checked).map((box) => box.value)),
    };
  }

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const choice = chosen();
    let count = 0;
    for (const item of items) {
      const wanted = isWanted(item, words, choice);
      item.node.hidden = !wanted;
      count += wanted;
    }
    sortBy(choice.sort);
    byId("shown").textContent = `${count.toLocaleString("en")} of ${items.length.toLocaleString("en")} shown`;
  }

  // What is chosen stands behind "#?", so that a view can be linked to as a finding can.
  function remember() {
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    for (const select of selects) if (select.value) state.set(select.id, select.value);
    const left = severities.filter((box) => box.checked).map((box) => box.value);
    if (left.length < severities.length) state.set("severity", left.join(","));
    const text = state.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname + location.search);
  }

  function restore(state) {
    search.value = state.get("q") ?? "";
    for (const select of selects) {
      const value = state.get(select.id) ?? "";
      select.value = [...select.options].some((option) => option.value === value) ? value : "";
    }
    const left = state.has("severity") ? state.get("severity").split(",") : [...order.keys()];
    for (const box of severities) box.checked = left.includes(box.value);
  }

  function follow() {
    const fragment = location.hash.slice(1);
    if (fragment.startsWith("?")) {
      restore(new URLSearchParams(fragment.slice(1)));
      apply();
      return;
    }
    const target = fragment && byId(fragment);
    const item = target && items.find(({ node }) => node.contains(target));
    if (!item) {
      apply();
      return;
    }
    apply();
    if (item.node.hidden) {
      restore(new URLSearchParams({ suppressed: item.data.suppressed ? "all" : "" }));
      apply();
    }
    item.details.open = true;
    item.details.firstElementChild.focus({ preventScroll: true });
    item.details.scrollIntoView({ block: "start" });
  }

  function change() {
    apply();
    remember();
  }

  let pending = 0;
  function changeSoon() {
    clearTimeout(pending);
    pending = setTimeout(change, 100);
  }

  function setAll(open) {
    for (const item of items) if (!item.node.hidden) item.details.open = open;
  }

  function step(by) {
    const shown = items.filter((item) => !item.node.hidden);
    const at = shown.findIndex((item) => item.node.contains(document.activeElement));
    const next = at < 0 ? (by > 0 ? 0 : shown.length - 1) : at + by;
    shown[next]?.details.firstElementChild.focus();
  }

  function isTyping(target) {
    return target.matches("input[type=search], select, textarea");
  }

  function onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape" && event.target === search) {
      search.blur();
      return;
    }
    if (isTyping(event.target)) return;
    if (event.key === "/") search.focus();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else return;
    event.preventDefault();
  }

  ["rule", "process", "test"].map(byId).forEach(fillSelect);
  search.addEventListener("input", changeSoon);
  for (const control of [...selects, ...severities]) control.addEventListener("change", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(change));
  byId("open").addEventListener("click", () => setAll(true));
  byId("close").addEventListener("click", () => setAll(false));
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", follow);
  form.hidden = false;
  byId("shown").hidden = false;
  follow();
})();
