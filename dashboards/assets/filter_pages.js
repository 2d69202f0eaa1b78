/* What the pages show of a platform or shop. Everything is summed from window.CUBE: integers that
   add up over days; visitors and buyers only as they are stored, one value a day, never summed.
   Ratios are sums over sums after filtering. What is not redrawn here says so on the page. */
(function () {
  "use strict";
  var kpi = window.kpi;
  var tools = kpi.filter;
  var cube = window.CUBE;
  var put = tools.put;
  var spans = tools.spans;
  var body = tools.body;
  var caption = tools.caption;
  var token = tools.token;
  var copy = tools.copy;
  var resize = tools.resize;
  var fill = tools.fill;
  var both = tools.both;
  var day = tools.day;
  var place = tools.place;
  var dayText = tools.dayText;
  var digits = kpi.formats.digits;
  var grouped = kpi.formats.grouped;
  var sign = kpi.formats.sign;
  var fixed = kpi.formats.fixed;
  var percent = kpi.formats.percent;
  var DASH = "\u2014";
  var CLIP = 1.75;
  var NICE = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];
  var page, words;

  function money(value, lang) { return kpi.formats.money(value, page.symbol, lang, page.decimals); }
  function cents(value) { return value === null || value === undefined ? null : value / 100; }
  function exact(value) {
    if (value === null) { return DASH; }
    var body = digits(Math.abs(value), page.decimals);
    return sign(value, body, false) + page.symbol + grouped(body);
  }
  function ratio(over, under) {
    return over === null || over === undefined || !under ? null : over / under;
  }

  /* Overview: cards of the day and the daily line. */
  function cardValue(values, card, at) {
    var get = function (name) {
      var line = values[name];
      return !line || at < 0 || line[at] === undefined ? null : line[at];
    };
    var over = get(card[2]);
    var scale = card[1] === "currency" ? 100 : 1;
    if (card[2] === "visitors" && !over) { return null; }
    if (!card[3]) { return over === null ? null : over / scale; }
    var value = ratio(over, get(card[3]));
    return value === null ? null : value / scale;
  }
  function shown(value, kind) {
    if (value === null) { return [DASH, DASH]; }
    if (kind === "currency") { return both(function (lang) { return money(value, lang); }); }
    if (kind === "count") { return [grouped(digits(value, 0)), grouped(digits(value, 0))]; }
    return both(function () { return kind === "rate" ? percent(value, 2) : fixed(value, 3); });
  }
  function change(now, base, kind, versus) {
    var box = document.createElement("span");
    box.className = "delta";
    var strong = document.createElement("b");
    var size = [DASH, DASH];
    if (now !== null && base !== null && (kind === "rate" || base)) {
      var moved = kind === "rate" ? now - base : now / base - 1;
      var flat = Math.abs(moved) < (kind === "rate" ? 5e-5 : 5e-4);
      var arrow = flat ? "\u25cf " : moved > 0 ? "\u25b2 " : "\u25bc ";
      strong.className = flat ? "flat" : moved > 0 ? "better" : "worse";
      size = kind === "rate" ? fill(words.points, { n: fixed(Math.abs(moved) * 100, 2) })
        : [percent(Math.abs(moved), 1), percent(Math.abs(moved), 1)];
      size = size.map(function (text) { return arrow + text; });
    }
    strong.appendChild(spans(size));
    box.appendChild(strong);
    box.appendChild(document.createTextNode(" "));
    box.appendChild(spans(versus));
    return box;
  }
  function spark(card, series) {
    var svg = document.querySelector("#card-" + card + " .spark");
    var known = series.filter(function (v) { return v !== null; });
    if (!svg || known.length < 2) { return; }
    var low = Math.min.apply(null, known);
    var span = Math.max.apply(null, known) - low || 1;
    var step = 112 / (series.length - 1);
    var up = true;
    var path = series.map(function (v, n) {
      var part = v === null ? "" : (up ? "M" : "L") + (4 + n * step).toFixed(1) + " " + (28 - (v - low) / span * 24).toFixed(1);
      up = v === null;
      return part;
    }).filter(Boolean).join(" ");
    var line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    put(svg, line);
  }
  function drawCards(values) {
    var last = cube.gmv.days - 1;
    page.cards.forEach(function (card) {
      var el = document.getElementById("card-" + card[0]);
      if (!el || !card[2]) { return; }
      var now = cardValue(values, card, last);
      put(el.querySelector(".value"), now === null ? words.unknown : shown(now, card[1]));
      var box = document.createDocumentFragment();
      if (now !== null) {
        page.versus.forEach(function (base) {
          var moved = change(now, cardValue(values, card, last - base[1]), card[1], base[2]);
          moved.dataset.panel = "vs:" + base[0];
          moved.classList.toggle("off", (kpi.state.vs || page.versus[0][0]) !== base[0]);
          box.appendChild(moved);
        });
      }
      put(el.querySelector(".deltas"), box);
      put(el.querySelector(".flagtext"), document.createDocumentFragment());
      put(el.querySelector(".detail"), document.createDocumentFragment());
      var series = [];
      for (var at = last - 27; at <= last; at += 1) { series.push(cardValue(values, card, at)); }
      spark(card[0], series);
    });
  }
  function nice(value) {
    var scale = Math.pow(10, Math.floor(Math.log10(value) + 1e-12));
    var found = NICE.filter(function (n) { return n * scale >= value * (1 - 1e-9); });
    return (found.length ? found[0] : 10) * scale;
  }
  function lineTop(days, series, shapes) {
    var inPromo = function (iso) {
      return shapes.some(function (s) { return s.x0 <= iso && iso < s.x1; });
    };
    var known = series.filter(function (v) { return v !== null; });
    var ordinary = series.filter(function (v, n) { return v !== null && !inPromo(days[n]); });
    var most = Math.max.apply(null, known.concat([0]));
    var usual = Math.max.apply(null, (ordinary.length ? ordinary : known).concat([0]));
    return nice(Math.min(most, CLIP * usual) || 1);
  }
  function moneyAxis(top) {
    var ticks = [0, 1, 2, 3, 4].map(function (n) { return top * n / 4; });
    return {
      range: [0, top * 1.02], tickvals: ticks,
      ticktext: ticks.map(function (v) {
        return token(both(function (lang) {
          return money(v, lang).replace(/\.(\d*[1-9])?0+(?=\D|$)/, function (whole, rest) {
            return rest ? "." + rest : "";
          });
        }));
      })
    };
  }
  function drawLine(values, name) {
    var id = "gmv-line";
    var original = page.originals[id];
    if (!original) { return; }
    var figure = copy(original);
    var old = figure.data.filter(function (t) { return t.hovertext; })[0];
    var at = old.x.map(function (iso) { return place(cube.gmv, iso); });
    var series = at.map(function (n) { return n < 0 ? null : cents(values.gmv[n]); });
    var top = lineTop(old.x, series, figure.layout.shapes || []);
    old.y = series;
    old.hovertext = series.map(function (v, n) {
      var date = dayText(old.x[n]);
      return token(both(function (lang) { return date[lang === "zh" ? 1 : 0] + "  " + money(v, lang); }));
    });
    figure.data = [old];
    Object.assign(figure.layout.yaxis, moneyAxis(top));
    /* Labels of promotions stay; a peak is written anew where it is cut. */
    var peak = Math.max.apply(null, series.concat([0]));
    figure.layout.annotations = peak <= top ? [] : [{
      x: old.x[series.indexOf(peak)], y: 1, xref: "x", yref: "paper", xanchor: "right", xshift: -10,
      yanchor: "top", showarrow: false, font: { color: old.line.color, size: 12 },
      text: token(fill(words.peak, { peak: both(function (lang) { return money(peak, lang); }) }))
    }];
    page.figures[id] = figure;
    var box = caption(id, fill(words.line_title, { segment: name }), fill(words.line_subtitle, { n: series.length }));
    put(box.querySelector("tbody"), body(old.x.map(function (iso, n) {
      return [iso, exact(series[n]), DASH, DASH, ""];
    }).reverse()));
  }
  /* A period: sums of its days; where a day is not known the sum is of the others and says so. */
  function added(line, window_) {
    var found = { sum: null, gaps: 0 };
    if (!line || !window_) { return found; }
    for (var at = place(cube.gmv, window_[0]); at <= place(cube.gmv, window_[1]); at += 1) {
      var v = line[at];
      if (v === null || v === undefined) { found.gaps += 1; } else { found.sum = (found.sum || 0) + v; }
    }
    return found;
  }
  function sumValue(values, card, window_) {
    var over = added(values[card[2]], window_);
    var scale = card[1] === "currency" ? 100 : 1;
    if (!card[3]) { return over.sum === null ? null : over.sum / scale; }
    var value = ratio(over.sum, added(values[card[3]], window_).sum);
    return value === null ? null : value / scale;
  }
  function span(values, name, period) {
    var gaps = added(values.gmv, period.now).gaps;
    page.sums.forEach(function (card) {
      var el = document.getElementById("period-" + card[0]);
      var now = sumValue(values, card, period.now);
      put(el.querySelector(".value"), now === null ? words.unknown : shown(now, card[1]));
      var box = document.createDocumentFragment();
      if (now !== null && period.base) {
        box.appendChild(change(
          now, sumValue(values, card, period.base), card[1], fill(words.period_against, { days: period.against })
        ));
      }
      put(el.querySelector(".deltas"), box);
    });
    var gmv = sumValue(values, page.sums[0], period.now);
    var told = fill(gmv === null ? words.period_none : words.period_headline, {
      segment: name, gmv: both(function (lang) { return money(gmv, lang); })
    });
    var gap = fill(words.period_gap, { n: gaps });
    put(document.getElementById("headline"), gmv !== null && gaps ? told.map(function (text, at) {
      return text + (at ? "" : " ") + gap[at];
    }) : told);
  }
  function overview(key, name, period, segment) {
    var values = cube.gmv.values[key] || {};
    if (period) { span(values, name, page.periods[period]); }
    if (key === "all:all") { return; }
    var last = cube.gmv.days - 1;
    var gmv = values.gmv ? cents(values.gmv[last]) : null;
    var told = gmv === null ? words.headline_none : words.headline;
    if (!period) {
      put(document.getElementById("headline"), fill(told, {
        segment: name, day: dayText(day(cube.gmv.first, last)),
        gmv: both(function (lang) { return money(gmv, lang); })
      }));
    }
    drawCards(values);
    if (values.gmv) { drawLine(values, segment); }
  }

  /* Funnel: counts of the two windows, step by step, wherever a session began. */
  function sumOf(lines) {
    var none = page.funnel.steps.map(function () { return 0; });
    var found = lines || { total: 0, reached: none, direct: none };
    return Object.assign({ passed: found.reached.map(function (v, at) { return v - found.direct[at]; }) }, found);
  }
  function passage(side, at) { return side && at ? ratio(side.passed[at], side.reached[at - 1]) : null; }
  function moved(now, was, at) {
    var rate = passage(now, at);
    var old = passage(was, at);
    if (rate === null || old === null) { return DASH; }
    var pooled = (now.passed[at] + was.passed[at]) / (now.reached[at - 1] + was.reached[at - 1]);
    var error = Math.sqrt(pooled * (1 - pooled) * (1 / now.reached[at - 1] + 1 / was.reached[at - 1]));
    var big = error > 0 && Math.abs(rate - old) >= 2 * error;
    var arrow = !big ? "\u25cf " : rate > old ? "\u25b2 " : "\u25bc ";
    return fill(words.points, { n: fixed((rate - old) * 100, 1, true) }).map(function (text) { return arrow + text; });
  }
  function funnel(key, name, period) {
    var sides = cube.funnel[period];
    var now = sumOf(sides[0][key]);
    var was = sides[1][key] ? sumOf(sides[1][key]) : null;
    var overall = ratio(now.reached[now.reached.length - 1], now.total);
    put(document.getElementById("headline"), overall === null ? fill(words.funnel_none, { segment: name })
      : fill(words.funnel_headline, {
        segment: name, n: fixed(overall * 100, 1),
        last: both(function (lang) { return page.funnel.last[lang === "zh" ? 1 : 0]; })
      }));
    var id = "funnel-steps";
    var figure = copy(page.originals[id]);
    var bars = figure.data[1];
    var marks = figure.data[2];
    var scaled = was && was.total ? was.reached.map(function (v) { return v / was.total * now.total; }) : null;
    bars.x = now.reached;
    marks.x = now.reached.map(function (v, at) { return Math.max(v, scaled ? scaled[at] : 0); });
    marks.text = now.reached.map(function (v) {
      var part = percent(ratio(v, now.total), 1);
      return token(both(function (lang) {
        return " " + grouped(String(v)) + " \u00b7 " + part;
      }));
    });
    figure.data[0].x = scaled || now.reached.map(function () { return null; });
    figure.layout.xaxis.range = [0, 1.42 * (Math.max.apply(null, now.reached.concat(scaled || [0])) || 1)];
    page.figures[id] = figure;
    var box = caption(id, fill(words.funnel_title, { segment: name }));
    var labels = kpi.all("tbody th", box).map(function (th) { return th.cloneNode(true); });
    var rows = body(now.reached.map(function (v, at) {
      return [
        "", grouped(String(v)), grouped(String(now.direct[at])), was ? grouped(String(was.reached[at])) : DASH,
        percent(passage(now, at), 1), percent(passage(was, at), 1), moved(now, was, at),
        percent(ratio(v, now.total), 1)
      ];
    }));
    kpi.all("tr", rows).forEach(function (line, at) { line.replaceChild(labels[at], line.firstChild); });
    put(box.querySelector("tbody"), rows);
  }

  /* Channels: sums of the window by channel, and the company's GMV of the same days. */
  function total(rows, window_, key, known) {
    var cost = null;
    rows.forEach(function (row) { if (row[2] !== null) { cost = (cost || 0) + row[2]; } });
    var sum = function (name) {
      var line = (cube.gmv.values[key] || {})[name];
      var found = null;
      if (!line || !window_) { return null; }
      for (var at = Math.max(0, place(cube.gmv, window_[0])); at <= place(cube.gmv, window_[1]); at += 1) {
        if (line[at] !== null && line[at] !== undefined) { found = (found || 0) + line[at]; }
      }
      return found;
    };
    var gmv = sum("gmv");
    var both = known || [null, null, null];
    return {
      gmv: gmv, spend: cents(cost), mer: ratio(both[1], both[0]),
      spend_rate: cost ? ratio(cost, gmv) : null,
      cac: both[0] ? ratio(cents(both[0]), both[2]) : null
    };
  }
  /* Cost, GMV and new buyers of what knows both: of a platform, or summed over all of them. */
  function knownOf(rows, platform) {
    if (platform) { return rows[platform]; }
    return Object.keys(rows).reduce(function (sums, name) {
      return rows[name].map(function (v, at) {
        var sum = sums ? sums[at] : null;
        return v === null ? sum : (sum || 0) + v;
      });
    }, null);
  }
  function tile(key, value) {
    if (value === null) { return [DASH, DASH]; }
    if (key === "mer") { return [fixed(value, 2), fixed(value, 2)]; }
    if (key === "spend_rate") { return [percent(value, 1), percent(value, 1)]; }
    return both(function (lang) { return money(value, lang); });
  }
  function byChannel(rows) {
    var found = {};
    rows.forEach(function (row) {
      var sums = found[row[1]] || (found[row[1]] = row.slice(2).map(function () { return null; }));
      sums.forEach(function (v, at) {
        var more = row[at + 2];
        if (more !== null) { sums[at] = (v || 0) + more; }
      });
    });
    return Object.keys(found).map(function (name) { return [name].concat(found[name]); })
      .sort(function (a, b) { return (b[1] || 0) - (a[1] || 0) || (b[2] || 0) - (a[2] || 0) || (a[0] < b[0] ? -1 : 1); });
  }
  function channelName(name) { return page.channel_names[name] || [name, name]; }
  function channels(key, name, period) {
    var platform = key === "all:all" ? "" : key.slice("platform:".length);
    var held = cube.channels[period];
    var sets = held[0].map(function (rows) {
      return rows.filter(function (row) { return !platform || row[0] === platform; });
    });
    var days = period ? page.periods[period] : page.channels;
    var now = total(sets[0], days.now, key, knownOf(held[1][0], platform));
    var was = total(sets[1], days.base, key, knownOf(held[1][1], platform));
    ["spend", "mer", "spend_rate", "cac"].forEach(function (part) {
      var el = document.getElementById("tile-" + part);
      put(el.querySelector(".value"), tile(part, now[part]));
      put(el.querySelector(".detail"), fill(words.before, { value: tile(part, was[part]) }));
    });
    put(document.getElementById("headline"), fill(
      now.spend === null ? words.channels_unknown : words.channels_headline,
      { segment: name, spend: tile("spend", now.spend) }
    ));
    var id = "channel-spend";
    var rows = byChannel(sets[0]);
    var box = caption(
      id, fill(words.channels_title, { segment: name }),
      period ? fill(words.channels_subtitle, { days: days.days }) : null
    );
    put(box.querySelector("tbody"), body(rows.map(function (row) {
      var paid = row[1];
      var number = function (v) { return v === null ? DASH : fixed(cents(v), 0); };
      var roas = paid ? ratio(row[7], row[6]) : null;
      var cac = paid && row[6] ? ratio(cents(row[6]), cents(row[8])) : null;
      var over = row[9] ? ratio(row[9], row[10]) : null;
      return [
        channelName(row[0]), paid ? exact(cents(paid)) : DASH, exact(cents(row[2])),
        roas === null ? DASH : fixed(roas, 2), percent(paid ? ratio(paid, now.gmv) : null, 1),
        number(row[4]), cac === null ? DASH : exact(cac), number(row[3]),
        row[5] ? number(row[5]) : DASH, over === null ? DASH : fixed(over, 2) + "\u00d7"
      ];
    })));
    if (!page.originals[id]) { return; }
    var figure = copy(page.originals[id]);
    var drawn = rows.filter(function (row) { return row[1] || row[2]; }).slice(0, 10);
    [2, 1].forEach(function (column, at) {
      var values = drawn.map(function (row) { return cents(row[column] || null); });
      var trace = figure.data[at];
      trace.x = values;
      trace.y = values.map(function (v, n) { return n; });
      if (!at) { trace.offset = drawn.map(function (row) { return row[1] ? -0.38 : -0.18; }); }
      trace.text = values.map(function (v) {
        return v === null ? "" : token(both(function (lang) { return money(v, lang); }));
      });
    });
    var most = Math.max.apply(null, figure.data[0].x.concat(figure.data[1].x, [0])) || 1;
    figure.layout.xaxis.range = [0, 1.3 * most];
    figure.layout.yaxis.tickvals = drawn.map(function (row, n) { return n; });
    figure.layout.yaxis.ticktext = drawn.map(function (row) { return token(channelName(row[0])); });
    figure.layout.yaxis.range = [Math.max(drawn.length, 1) - 0.45, -0.55];
    resize(id, 50 + 52 * Math.max(drawn.length, 2));
    page.figures[id] = figure;
  }

  tools.drawings.push(function (key, name, ofPage, ofWords, period, segment) {
    page = ofPage;
    words = ofWords;
    if (page.cards) { overview(key, name, period, segment); }
    if (page.funnel) { funnel(key, name, period); }
    if (page.channels) { channels(key, name, period); }
  });
})();
