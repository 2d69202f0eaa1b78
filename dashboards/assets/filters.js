/* The filter by platform or shop: what is chosen, and what it overwrites on the page so that
   clearing it restores every letter. What the pages draw then is in filter_pages.js. */
(function () {
  "use strict";
  var kpi = window.kpi;
  var before = {};
  var cube = window.CUBE;
  var drawings = []; /* functions of filter_pages.js */
  var page, words;

  function both(make) { return [make("en"), make("zh")]; }
  function fill(pair, values) {
    return both(function (lang) {
      return pair[lang === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, function (whole, key) {
        var value = values[key];
        return value === undefined ? whole : Array.isArray(value) ? value[lang === "zh" ? 1 : 0] : value;
      });
    });
  }

  /* The document: what a filter overwrites is kept, so that clearing it restores the page. */
  function spans(pair) {
    var box = document.createDocumentFragment();
    ["en", "zh"].forEach(function (lang, at) {
      var span = document.createElement("span");
      span.lang = lang;
      span.textContent = pair[at];
      box.appendChild(span);
    });
    return box;
  }
  function put(el, content) {
    if (!el) { return; }
    if (!el.dataset.kept) {
      el.dataset.kept = String(Object.keys(before).length + 1);
      before[el.dataset.kept] = { el: el, nodes: Array.prototype.slice.call(el.childNodes) };
    }
    el.textContent = "";
    el.appendChild(Array.isArray(content) ? spans(content) : content);
  }
  function resize(id, height) {
    var plot = document.querySelector("[data-figure='" + id + "']");
    if (!plot.dataset.height) { plot.dataset.height = plot.style.height; }
    plot.style.height = height + "px";
  }
  function restore() {
    kpi.all("[data-height]").forEach(function (plot) { plot.style.height = plot.dataset.height; });
    Object.keys(before).forEach(function (key) {
      before[key].el.textContent = "";
      before[key].nodes.forEach(function (node) { before[key].el.appendChild(node); });
      delete before[key].el.dataset.kept;
    });
    before = {};
    Object.keys(page.originals).forEach(function (id) { page.figures[id] = page.originals[id]; });
    page.texts.length = page.textCount;
  }
  function body(rows) {
    var box = document.createDocumentFragment();
    rows.forEach(function (row) {
      var line = document.createElement("tr");
      row.forEach(function (cell, at) {
        var el = document.createElement(at ? "td" : "th");
        if (!at) { el.scope = "row"; el.className = "w"; }
        if (Array.isArray(cell)) { el.appendChild(spans(cell)); } else { el.textContent = cell; }
        line.appendChild(el);
      });
      box.appendChild(line);
    });
    return box;
  }
  function caption(id, title, subtitle) {
    var figure = document.getElementById(id);
    put(figure.querySelector("h2, h3"), title);
    if (subtitle) { put(figure.querySelector("figcaption p"), subtitle); }
    return figure;
  }
  /* A text of a figure in both languages; Plotly reads markup, so names are escaped. */
  function token(pair) {
    page.texts.push(pair.map(function (text) {
      return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
    }));
    return "t:" + (page.texts.length - 1);
  }
  function copy(figure) { return JSON.parse(JSON.stringify(figure)); }
  function day(first, n) {
    return new Date(Date.parse(first) + n * 864e5).toISOString().slice(0, 10);
  }
  function place(part, iso) { return Math.round((Date.parse(iso) - Date.parse(part.first)) / 864e5); }
  function dayText(iso) {
    var at = [Number(iso.slice(5, 7)), Number(iso.slice(8))];
    return [at[1] + " " + words.months[at[0] - 1], at[0] + "\u6708" + at[1] + "\u65e5"];
  }
  function offers(name) { return kpi.state[name] && document.querySelector("select[data-filter=" + name + "]"); }
  function chosen() {
    if (offers("shop")) { return "shop:" + kpi.state.shop; }
    return offers("platform") ? "platform:" + kpi.state.platform : "all:all";
  }
  function named(selects) {
    var words = selects.filter(Boolean).map(function (select) {
      var option = select.options[select.selectedIndex];
      return [option.dataset.en || option.textContent, option.dataset.zh || option.textContent];
    });
    return [0, 1].map(function (at) { return words.map(function (pair) { return pair[at]; }).join(" \u00b7 "); });
  }

  /* A shop belongs to a platform: choosing one of another platform lets the older choice go. */
  function agree() {
    var shop = kpi.state.shop;
    var owner = cube && cube.shops[shop];
    if (shop && kpi.state.platform && owner !== kpi.state.platform) {
      kpi.state[kpi.state.changed === "shop" ? "platform" : "shop"] = "";
    }
    kpi.all("select[data-filter]").forEach(function (el) { el.value = kpi.state[el.dataset.filter] || ""; });
  }
  function apply() {
    if (!page) { start(); }
    restore();
    agree();
    var segment = offers("shop") || offers("platform");
    var name = named([segment, offers("period")]);
    var note = document.querySelector(".filters .active");
    note.hidden = !name[0];
    if (!name[0] || !cube) { return; }
    note.textContent = "";
    note.appendChild(spans(fill(words.active, { segment: name })));
    var period = offers("period") ? kpi.state.period : "";
    drawings.forEach(function (draw) { draw(chosen(), name, page, words, period, named([segment])); });
  }
  function start() {
    page = kpi.payload;
    words = page.filter;
    page.originals = Object.assign({}, page.figures);
    page.textCount = page.texts.length;
  }
  kpi.onFilter = apply;
  kpi.filter = {
    drawings: drawings, put: put, spans: spans, body: body, caption: caption, token: token, copy: copy,
    resize: resize, fill: fill, both: both, day: day, place: place, dayText: dayText
  };
})();
