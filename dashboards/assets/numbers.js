/* Numbers in the browser, letter by letter as formatting.py writes them; a test compares both. */
(function () {
  "use strict";
  var DASH = "\u2014";
  var MINUS = "\u2212";
  var UNITS = { en: [[1e9, "B"], [1e6, "M"], [1e3, "K"]], zh: [[1e8, "\u4ebf"], [1e4, "\u4e07"]] };

  /* Exact ties go to the even neighbour, as in Python. */
  function digits(value, places) {
    var doubled = value * Math.pow(2, places + 1);
    var scaled = value * Math.pow(10, places);
    if (Number.isInteger(doubled) && Math.abs(scaled % 1) === 0.5) {
      var low = Math.floor(scaled);
      return ((low % 2 === 0 ? low : low + 1) / Math.pow(10, places)).toFixed(places);
    }
    return value.toFixed(places);
  }
  function grouped(text) {
    var parts = text.split(".");
    parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, ",");
    return parts.join(".");
  }
  function sign(value, body, signed) {
    return /[1-9]/.test(body) ? (value < 0 ? MINUS : signed ? "+" : "") : "";
  }
  function places(size) {
    return Number(digits(size, 2)) < 10 ? 2 : Number(digits(size, 1)) < 100 ? 1 : 0;
  }
  function compact(size, lang) {
    var units = UNITS[lang];
    for (var at = 0; at < units.length; at += 1) {
      var scaled = size / units[at][0];
      var body = digits(scaled, places(scaled));
      if (Number(body) < 1) { continue; }
      if (at && Number(body) * units[at][0] >= units[at - 1][0]) {
        var bigger = size / units[at - 1][0];
        return grouped(digits(bigger, places(bigger))) + units[at - 1][1];
      }
      return grouped(body) + units[at][1];
    }
    return null;
  }
  function fixed(value, n, signed) {
    var body = grouped(digits(Math.abs(value), n));
    return sign(value, body, signed) + body;
  }
  function percent(rate, n, signed) {
    return rate === null ? DASH : fixed(rate * 100, n, signed) + "%";
  }
  /* decimals: those of the currency, 2 or 0. */
  function money(value, symbol, lang, decimals) {
    if (value === null) { return DASH; }
    var size = Math.abs(value);
    var body = compact(size, lang) || grouped(digits(size, size >= 100 || size === 0 ? 0 : decimals));
    return sign(value, body, false) + symbol + body;
  }

  window.kpi.formats = {
    digits: digits, grouped: grouped, sign: sign, money: money, fixed: fixed, percent: percent
  };
})();
