/* Search over pages and metrics: / opens it, arrows and Enter choose, Escape leaves. */
(function () {
  "use strict";
  var kpi = window.kpi;
  var MOST = 12;
  var box, input, list, chosen;

  function said(pair) { return pair[kpi.state.lang === "zh" ? 1 : 0]; }
  function matches(entry, parts) {
    var all = entry[0].concat(entry[1]).join(" ").toLowerCase();
    return parts.every(function (part) { return all.indexOf(part) >= 0; });
  }
  function mark(at) {
    var links = kpi.all("a", list);
    chosen = links.length ? (at + links.length) % links.length : 0;
    links.forEach(function (a, n) { a.setAttribute("aria-selected", String(n === chosen)); });
    if (links.length) { links[chosen].scrollIntoView({ block: "nearest" }); }
  }
  function show() {
    var parts = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    var found = window.SEARCH.found.filter(function (entry) { return matches(entry, parts); }).slice(0, MOST);
    list.textContent = "";
    found.forEach(function (entry) {
      var a = document.createElement("a");
      var small = document.createElement("small");
      a.href = kpi.way(entry[2], entry[3]);
      a.setAttribute("role", "option");
      a.textContent = said(entry[0]) + " ";
      small.textContent = said(entry[1]);
      a.appendChild(small);
      a.addEventListener("click", function () { box.close(); });
      list.appendChild(a);
    });
    if (!found.length) { list.textContent = said(window.SEARCH.words.nothing); }
    mark(0);
  }
  function onKey(event) {
    var step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); mark(chosen + step); }
    if (event.key === "Enter") {
      var a = kpi.all("a", list)[chosen];
      event.preventDefault();
      if (a) { a.click(); }
    }
  }
  function make() {
    box = document.createElement("dialog");
    box.className = "search";
    input = document.createElement("input");
    input.type = "text";
    list = document.createElement("div");
    list.setAttribute("role", "listbox");
    box.appendChild(input);
    box.appendChild(list);
    document.body.appendChild(box);
    input.addEventListener("input", show);
    box.addEventListener("keydown", onKey);
    box.addEventListener("click", function (event) { if (event.target === box) { box.close(); } });
  }
  kpi.search = function () {
    if (!box) { make(); }
    input.value = "";
    input.setAttribute("aria-label", said(window.SEARCH.words.name));
    input.placeholder = said(window.SEARCH.words.name);
    show();
    box.showModal();
    input.focus();
  };
})();
