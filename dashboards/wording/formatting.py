"""Numbers and days as people write them: K and M in English, 万 and 亿 in Chinese.

Belongs here: rounding, units, signs, names of weekdays. U+2212 is the minus sign everywhere.
Does not belong here: sentences (`changes`), colours (`base.theme`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import SupportsFloat

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EM DASH}"

_SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "HKD": "HK$", "TWD": "NT$"}
_WHOLE = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
    "XAF", "XOF", "XPF",
})  # fmt: skip
"""Currencies of ISO 4217 without a minor unit."""
_UNITS = {
    "en": ((1e9, "B"), (1e6, "M"), (1e3, "K")),
    "zh": ((1e8, "亿"), (1e4, "万")),
}
_FAR_DAYS = 180
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}


def symbol(currency: str) -> str:
    """The sign written before an amount; the code and a space where there is none."""
    return _SYMBOLS.get(currency.upper(), f"{currency.upper()} ")


def decimals(currency: str) -> int:
    """Decimals of an exact amount: none where a currency has no smaller unit."""
    return 0 if currency.upper() in _WHOLE else 2


def _decimals(size: float, signed: bool) -> int:
    if signed:  # a change needs two figures, a level three
        return 1 if round(size, 1) < 10 else 0
    return 2 if round(size, 2) < 10 else 1 if round(size, 1) < 100 else 0


def _compact(size: float, lang: str, signed: bool) -> str | None:
    """`size` (not negative) with a unit, or None where it is too small for one."""
    units = _UNITS[lang]
    for place, (unit, name) in enumerate(units):
        # 999,600 is 1.00M and not 1000K: look at the rounded figure, not at the raw one.
        if round(size / unit, _decimals(size / unit, signed)) < 1:
            continue
        scaled = size / unit
        body = f"{scaled:,.{_decimals(scaled, signed)}f}"
        if place and float(body.replace(",", "")) * unit >= units[place - 1][0]:
            bigger = size / units[place - 1][0]
            return f"{bigger:,.{_decimals(bigger, signed)}f}{units[place - 1][1]}"
        return f"{body}{name}"
    return None


def _sign(value: float, shown: str, signed: bool) -> str:
    if not any(figure in "123456789" for figure in shown):
        return ""
    return MINUS if value < 0 else "+" if signed else ""


def money(amount: SupportsFloat | None, currency: str, lang: str, signed: bool = False) -> str:
    """An amount in short: ¥332K, −¥30K, +¥5.7K; ¥33.2万, −¥3.0万, +¥5,726.

    Args:
        amount: in units of the currency; None gives an em dash.
        currency: ISO 4217 code.
        lang: `en` or `zh`.
        signed: write a plus before gains, and a change's coarser rounding.
    """
    if amount is None:
        return DASH
    value = float(amount)
    size = abs(value)
    body = _compact(size, lang, signed)
    if body is None:
        digits = 0 if size >= 100 or size == 0 or signed else decimals(currency)
        body = f"{size:,.{digits}f}"
    return f"{_sign(value, body, signed)}{symbol(currency)}{body}"


def integer(value: SupportsFloat | None) -> str:
    """A count in full: 46,369. None gives an em dash."""
    return DASH if value is None else fixed(value, 0)


def fixed(value: SupportsFloat | None, digits: int, signed: bool = False) -> str:
    """A number with a fixed count of decimals: 1.095. None gives an em dash."""
    if value is None:
        return DASH
    number = float(value)
    body = f"{abs(number):,.{digits}f}"
    return f"{_sign(number, body, signed)}{body}"


def exact_money(amount: SupportsFloat | None, currency: str, signed: bool = False) -> str:
    """An amount to the smallest unit, for tables: ¥332,145.20. None gives an em dash."""
    if amount is None:
        return DASH
    value = float(amount)
    body = f"{abs(value):,.{decimals(currency)}f}"
    return f"{_sign(value, body, signed)}{symbol(currency)}{body}"


def percent(rate: SupportsFloat | None, digits: int = 1, signed: bool = False) -> str:
    """A rate as per cent: .0320 with two digits is 3.20%. None gives an em dash."""
    return DASH if rate is None else f"{fixed(float(rate) * 100, digits, signed)}%"


def as_date(value: object) -> date | None:
    """A date from a date, a datetime or ISO text; None from anything else."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    return None


def month_name(value: date, lang: str) -> str:
    """A month without its year: Oct; 10月."""
    return f"{value.month}月" if lang == "zh" else MONTHS[value.month - 1]


def day(value: date, lang: str, seen_from: date | None = None) -> str:
    """A day without weekday: 21 Nov; 11月21日. Half a year from `seen_from` with its year."""
    is_far = seen_from is not None and abs((seen_from - value).days) >= _FAR_DAYS
    if lang == "zh":
        return f"{f'{value.year}年' if is_far else ''}{value.month}月{value.day}日"
    return f"{value.day} {MONTHS[value.month - 1]}{f' {value.year}' if is_far else ''}"


def weekday(value: date, lang: str) -> str:
    """The short name of the weekday: Sat; 周六."""
    return _WEEKDAYS[lang][value.weekday()]


def long_day(value: date, lang: str, seen_from: date | None = None) -> str:
    """A day with its weekday: Sat 21 Nov; 11月21日（周六）. Far from `seen_from` with its year."""
    if lang == "zh":
        return f"{day(value, lang, seen_from)}（{weekday(value, lang)}）"
    return f"{weekday(value, lang)} {day(value, lang, seen_from)}"


def inline(label: str, lang: str) -> str:
    """A label as it stands inside a sentence: lower case in English, but for AOV and its like."""
    if lang == "zh" or label[:2].isupper():
        return label
    return label[:1].lower() + label[1:]
