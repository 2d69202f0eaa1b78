/* The pages are complete without this script; it draws the charts, switches language, theme and
   tabs without a reload, and says when the data are old. It makes no request but for its own
   assets, works from file://, and keeps its state in the address after the #. */
(function () {
  "use strict";
  var root = document.documentElement;
  var LANGUAGES = root.dataset.languages.split(" ");
  /* Tabs and filters of a page; each is a key of the address. */
  var FILTERS = ["platform", "shop", "period"];
  var GROUPS = ["cmp", "vs", "dim", "what", "model"].concat(FILTERS);
  var state = { lang: "", theme: "" };
  var payload = { figures: {}, texts: [], tokens: {}, say: {}, later: [], platforms: {} };
  var drawn = {};
  var printing = false;
  var failed = false;

  function stored(key) {
    try { return localStorage.getItem("kpi-" + key) || ""; } catch (e) { return ""; }
  }
  function store(key, value) {
    try { localStorage.setItem("kpi-" + key, value); } catch (e) { /* private mode */ }
  }
  function all(selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  }
  function hash() {
    var found = {};
    location.hash.slice(1).split("&").forEach(function (part) {
      var at = part.indexOf("=");
      if (at < 1) { return; }
      try { found[part.slice(0, at)] = decodeURIComponent(part.slice(at + 1)); } catch (e) { /* cut link */ }
    });
    return found;
  }
  function pick(value, allowed, fallback) {
    return allowed.indexOf(value) >= 0 ? value : fallback;
  }
  function readLook() {
    var h = hash();
    state.lang = pick(h.lang || stored("lang"), LANGUAGES, LANGUAGES[0]);
    state.theme = pick(h.theme || stored("theme"), ["light", "dark"], "");
  }
  function applyLook() {
    root.dataset.lang = state.lang;
    root.lang = state.lang === "zh" ? "zh-CN" : "en";
    if (state.theme) { root.dataset.theme = state.theme; } else { delete root.dataset.theme; }
  }
  /* Before the first paint, so that nothing flashes. */
  root.classList.add("js");
  readLook();
  applyLook();

  function link(keys) {
    return keys.filter(function (k, n) { return state[k] && keys.indexOf(k) === n; }).map(function (k) {
      return k + "=" + encodeURIComponent(state[k]);
    }).join("&");
  }
  function keepState() {
    var parts = link(["lang", "theme"].concat(GROUPS));
    parts += here();
    try { history.replaceState(null, "", "#" + parts); } catch (e) { location.hash = parts; }
    all("a[data-keep]").forEach(function (a) {
      var at = a.dataset.anchor ? "&at=" + a.dataset.anchor : "";
      var kept = ["lang", "theme"].concat(FILTERS, (a.dataset.keep || "").split(" "));
      a.href = a.getAttribute("href").split("#")[0] + "#" + link(kept) + at;
    });
  }
  function isDark() {
    return state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  function localise() {
    all("[data-l10n]").forEach(function (el) {
      el.setAttribute(el.dataset.l10n, state.lang === "zh" ? el.dataset.zh : el.dataset.en);
    });
    var title = document.querySelector("title");
    document.title = title.dataset[state.lang] || document.title;
  }

  /* Two spans, as the pages are made; textContent, because messages are not ours. */
  function say(el, pair, values) {
    el.textContent = "";
    ["en", "zh"].forEach(function (lang, at) {
      var span = document.createElement("span");
      span.lang = lang;
      span.textContent = pair[at].replace(/\{(\w+)\}/g, function (whole, key) {
        var value = values[key];
        return value === undefined ? whole : typeof value === "function" ? value(lang) : String(value);
      });
      el.appendChild(span);
    });
    el.hidden = false;
  }
  function clock(iso) {
    return function (lang) {
      var options = { hour: "2-digit", minute: "2-digit", hour12: false, day: "numeric", month: "short" };
      var when = new Date(iso);
      if (!iso || isNaN(when)) { return iso || "\u2014"; }
      try {
        options.timeZone = payload.timezone;
        return when.toLocaleString(lang === "zh" ? "zh-CN" : "en-GB", options);
      } catch (e) {
        delete options.timeZone;
        return when.toLocaleString(lang === "zh" ? "zh-CN" : "en-GB", options);
      }
    };
  }
  function banners() {
    var status = window.STATUS || {};
    var el = document.getElementById("status-banner");
    if (status.state === "failed") {
      say(el, payload.say.failed, {
        step: status.failed_step || "\u2014", message: status.message || "", last: clock(status.last_ok)
      });
    } else if (status.state === "archived") {
      all(".foot a[download], .days, .steps").forEach(function (a) { a.remove(); });
      say(el, payload.say.archived, { day: payload.data_through });
    } else if (status.state === "stale") {
      say(el, payload.say.stale_run, { message: status.message || "", last: clock(status.last_ok) });
    }
    var built = document.getElementById("built");
    if (built && status.last_ok) { say(built, payload.say.built, { at: clock(status.last_ok) }); }
    var hours = (Date.now() - Date.parse(payload.data_end)) / 36e5;
    if (hours > payload.warn_hours && status.state !== "archived") {
      var days = Math.floor(hours / 24);
      say(document.getElementById("stale-banner"), payload.say[days < 2 ? "old_hours" : "old_days"], {
        day: payload.data_through, n: days < 2 ? Math.floor(hours) : days
      });
    }
  }

  /* Figures carry token colours and token texts; here they become those of theme and language. */
  function resolver() {
    var css = getComputedStyle(root);
    var colours = {};
    Object.keys(payload.tokens).forEach(function (token) {
      colours[token] = css.getPropertyValue("--" + payload.tokens[token]).trim();
    });
    var place = state.lang === "zh" ? 1 : 0;
    return function resolve(value) {
      if (typeof value === "string") {
        if (colours[value]) { return colours[value]; }
        if (/^t:\d+$/.test(value)) {
          var text = payload.texts[Number(value.slice(2))];
          return typeof text === "string" ? text : text[place];
        }
        return value;
      }
      if (Array.isArray(value)) { return value.map(resolve); }
      if (value && typeof value === "object") {
        var copy = {};
        Object.keys(value).forEach(function (key) { copy[key] = resolve(value[key]); });
        return copy;
      }
      return value;
    };
  }
  function draw(el) {
    if (!window.Plotly || !el.offsetWidth) { return; }
    var resolve = resolver();
    var figure = resolve(payload.figures[el.dataset.figure]);
    var layout = Object.assign(resolve(payload.layout || {}), figure.layout);
    var narrow = el.offsetWidth < 460;
    layout.height = el.offsetHeight;
    layout.autosize = true;
    if (printing) { layout.width = el.offsetWidth; }
    layout.font.family = getComputedStyle(document.body).fontFamily;
    if (narrow) {
      if (layout.xaxis.type === "date" && layout.xaxis.tickvals.length > 4) {
        ["tickvals", "ticktext"].forEach(function (key) {
          layout.xaxis[key] = layout.xaxis[key].filter(function (v, at, list) {
            return (list.length - 1 - at) % 2 === 0;
          });
        });
      }
      if (layout.xaxis.type !== "date" && layout.xaxis.tickvals && layout.xaxis.tickvals.length > 8) {
        layout.xaxis.tickangle = 0;
        layout.xaxis.ticktext = layout.xaxis.ticktext.map(function (v, at) { return at % 2 ? "" : v; });
      }
      layout.xaxis.tickfont.size = layout.xaxis.type === "date" ? 11 : 10;
      figure.data.forEach(function (trace) { if (trace.textfont) { trace.textfont.size = 11; } });
    }
    window.Plotly.react(el, figure.data, layout, {
      displayModeBar: false, responsive: !printing, showTips: false, showSendToCloud: false
    });
    drawn[el.dataset.figure] = true;
    el.classList.add("drawn");
  }
  function redraw() {
    all(".plot").forEach(function (el) { if (drawn[el.dataset.figure]) { draw(el); } });
  }
  function drawAll() {
    all(".plot").forEach(draw);
  }
  /* What is folded or on another tab stands in the page's own script; it may hold more of it. */
  function late() { return window.PAGE && document.querySelector("[data-later]"); }
  function noPlotly() {
    failed = true;
    root.classList.add("no-plotly");
    all("figure").filter(function (el) { return el.querySelector(".plot"); }).forEach(function (el) {
      var told = document.createElement("p");
      told.className = "failed";
      say(told, payload.say.no_chart, {});
      el.insertBefore(told, el.querySelector(".foot"));
    });
    all("figure details").forEach(function (el) { el.open = true; });
  }
  function watch() {
    if (!("IntersectionObserver" in window)) { drawAll(); return; }
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (entry.isIntersecting && !drawn[entry.target.dataset.figure]) { draw(entry.target); }
      });
    }, { rootMargin: "300px" });
    all(".plot").forEach(function (el) { observer.observe(el); });
  }
  function loadPlotly() {
    if (!document.querySelector(".plot")) { return; }
    if (!window.PAGE) { noPlotly(); return; }
    var script = document.createElement("script");
    script.src = root.dataset.root + "assets/plotly.min.js";
    script.onload = function () { if (window.Plotly) { watch(); } else { noPlotly(); } };
    script.onerror = noPlotly;
    document.head.appendChild(script);
  }

  function showTabs() {
    GROUPS.forEach(function (group) {
      var buttons = all('[data-tab^="' + group + ':"]');
      var keys = all('[data-panel^="' + group + ':"]').map(function (p) {
        return p.dataset.panel.slice(group.length + 1);
      });
      if (!keys.length) { return; }
      var chosen = pick(state[group], keys, keys[0]);
      buttons.forEach(function (b) {
        b.setAttribute("aria-pressed", String(b.dataset.tab === group + ":" + chosen));
      });
      all('[data-panel^="' + group + ':"]').forEach(function (panel) {
        panel.classList.toggle("off", panel.dataset.panel !== group + ":" + chosen);
      });
    });
    all(".plot").forEach(function (el) {
      if (drawn[el.dataset.figure] && el.offsetWidth) { draw(el); }
    });
  }
  function goTo(id) {
    var el = id && document.getElementById(id);
    if (el) { el.scrollIntoView(); }
  }
  /* A filter that the page does not know falls back to all. Where each platform has a page of its
     own its page is opened; what else follows a filter is in filters.js. Whatever does not, and
     pages that offer no such filter, say so. */
  function applyFilter() {
    var unknown = {};
    FILTERS.forEach(function (name) { unknown[name] = true; });
    all("select[data-filter]").forEach(function (el) {
      var name = el.dataset.filter;
      unknown[name] = false;
      state[name] = pick(state[name] || "", all("option", el).map(function (o) { return o.value; }), "");
      el.value = state[name];
      var way = el.options[el.selectedIndex].dataset.href;
      if (way && state[name] !== (root.dataset.of || "")) {
        location.replace(way + "#" + link(["lang", "theme"].concat(GROUPS)) + here());
      }
    });
    if (window.kpi.onFilter) { window.kpi.onFilter(); }
    var set = FILTERS.filter(function (name) { return state[name]; });
    root.classList.toggle("filtered", Boolean(state.platform || state.shop));
    root.classList.toggle("spanned", Boolean(state.period));
    all(".scope").forEach(function (el) {
      var follows = el.dataset.follows.split(" ");
      el.hidden = set.every(function (name) { return unknown[name] || follows.indexOf(name) >= 0; });
    });
    all("[data-do=clear]").forEach(function (el) { el.hidden = !set.length; });
    var left = set.filter(function (name) { return unknown[name]; });
    var told = document.getElementById("unfollowed");
    if (told) { told.hidden = true; }
    if (told && left.length) {
      say(told, payload.say.unfollowed, { names: function (lang) {
        return left.map(function (name) { return filterName(name, lang); }).join(lang === "zh" ? "、" : ", ");
      } });
    }
  }
  function filterName(name, lang) {
    var place = lang === "zh" ? 1 : 0;
    if (name === "period") { return payload.say.period[place]; }
    return (payload.platforms[state[name]] || [state[name], state[name]])[place];
  }
  function here() {
    var at = hash().at;
    return at ? "&at=" + encodeURIComponent(at) : "";
  }
  function refresh() {
    applyLook();
    localise();
    applyFilter();
    showTabs();
    redraw();
  }
  function onClick(event) {
    var tab = event.target.closest("[data-tab]");
    if (tab) {
      var parts = tab.dataset.tab.split(":");
      state[parts[0]] = parts.slice(1).join(":");
      showTabs();
      keepState();
      return;
    }
    var button = event.target.closest("[data-do]");
    if (button) {
      if (button.dataset.do === "lang") {
        state.lang = LANGUAGES[(LANGUAGES.indexOf(state.lang) + 1) % LANGUAGES.length];
        store("lang", state.lang);
      } else if (button.dataset.do === "theme") {
        state.theme = isDark() ? "light" : "dark";
        store("theme", state.theme);
      } else if (button.dataset.do === "clear") {
        all("select[data-filter]").forEach(function (el) { el.value = state[el.dataset.filter] = ""; });
      } else if (button.dataset.do === "search") {
        search();
        return;
      } else if (button.dataset.do === "print") {
        window.print();
        return;
      }
      refresh();
      keepState();
      return;
    }
    if (event.target.closest("a.skip")) { /* the address keeps the state of the page */
      event.preventDefault();
      document.getElementById("main").focus();
      return;
    }
    var copy = event.target.closest("a.copy");
    if (copy && navigator.clipboard) {
      event.preventDefault();
      var address = location.href.split("#")[0] + "#" + link(["lang"].concat(GROUPS)) + "&at=" + copy.dataset.at;
      navigator.clipboard.writeText(address).then(function () {
        copy.classList.add("done");
        setTimeout(function () { copy.classList.remove("done"); }, 1500);
      }, function () { location.hash = "at=" + copy.dataset.at; });
    }
  }
  /* What the search finds is read when it is first asked for. */
  function search() {
    if (window.kpi.search) { window.kpi.search(); return; }
    var script = document.createElement("script");
    script.src = root.dataset.search;
    script.onload = function () { window.kpi.search(); };
    document.head.appendChild(script);
  }
  function onKey(event) {
    var busy = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey;
    if (event.key !== "/" || busy) { return; }
    event.preventDefault();
    search();
  }
  function onPrint(start) {
    printing = start;
    root.classList.toggle("print", start);
    var theme = state.theme;
    if (start) { root.dataset.theme = "light"; } else { state.theme = theme; applyLook(); }
    if (!failed) { drawAll(); }
  }

  document.addEventListener("DOMContentLoaded", function () {
    var holder = document.getElementById("payload");
    if (holder) { Object.assign(payload, JSON.parse(holder.textContent), window.PAGE); }
    for (var el = late(); el; el = late()) { el.outerHTML = payload.later[el.dataset.later]; }
    var h = hash();
    /* A message links to a day; as long as it is the last one its page is the plain one. */
    var dated = h.day && document.querySelector('.days a[href*="drivers/' + h.day.replace(/[^0-9-]/g, "") + '."]');
    if (dated) {
      location.replace(dated.getAttribute("href").split("#")[0] + location.hash.replace(/day=[^&]*&?/, ""));
      return;
    }
    window.kpi.payload = payload;
    GROUPS.forEach(function (group) { state[group] = h[group] || ""; });
    if (h.platform === undefined) { state.platform = root.dataset.of || ""; }
    localise();
    applyFilter();
    showTabs();
    keepState();
    banners();
    all(".scroll.end").forEach(function (el) { el.scrollLeft = el.scrollWidth; });
    var here = document.querySelector(".side [aria-current]");
    if (here) { /* on a phone the pages are a row that scrolls */
      var side = document.querySelector(".side");
      side.scrollLeft = here.offsetLeft - (side.clientWidth - here.offsetWidth) / 2;
    }
    goTo(h.at);
    document.addEventListener("click", onClick);
    document.addEventListener("keydown", onKey);
    document.addEventListener("change", function (event) {
      var name = event.target.dataset.filter;
      if (!name) { return; }
      state[name] = event.target.value;
      state.changed = name;
      refresh();
      keepState();
    });
    window.addEventListener("beforeprint", function () { onPrint(true); });
    window.addEventListener("afterprint", function () { onPrint(false); });
    window.addEventListener("hashchange", function () {
      var now = hash();
      readLook();
      GROUPS.forEach(function (group) {
        if (now[group] !== undefined) { state[group] = now[group]; }
      });
      refresh();
      goTo(now.at);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    loadPlotly();
  });
  function way(href, at) {
    var kept = link(["lang", "theme"].concat(FILTERS));
    return root.dataset.root + href + "#" + kept + (at ? "&at=" + at : "");
  }
  window.kpi = { drawAll: drawAll, drawn: drawn, state: state, all: all, redraw: redraw, way: way };
})();
