"""The calendars of countries, as `dbt_project/seeds/` holds them: made here, never by hand.

Belongs here: which countries, what their days are called, the sales days that follow a rule.
China's rows are written by hand in the seeds (no library knows 618 or the lantern festival) and
kept as they are. Nationwide days only: those of a state or canton, and those whose date is an
estimate until the moon is seen, are left to `calendar.add` of a shop.

Run: `python -m tests.support.calendars`
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import holidays

SEEDS = Path(__file__).parents[2] / "dbt_project" / "seeds"
YEARS = range(2022, 2031)
COUNTRIES = {
    "AT": "", "AU": "", "BE": "", "BR": "", "CA": "", "CH": "", "CZ": "", "DE": "", "DK": "",
    "ES": "", "FI": "", "FR": "", "GB": "ENG", "HK": "", "IE": "", "IN": "", "IT": "", "JP": "",
    "KR": "", "MX": "", "NL": "", "NO": "", "NZ": "", "PL": "", "PT": "", "SE": "", "SG": "",
    "TW": "", "US": "",
}  # fmt: skip
"""Country -> the part of it whose days count, where the state as such has hardly any."""
ASIA = frozenset({"HK", "IN", "JP", "KR", "SG", "TW"})
BLACK_FRIDAY = frozenset(COUNTRIES) - ASIA

# Two names of one day are one day.
_SAME = {
    "Anzac Day": "ANZAC Day",
    "Assumption Of Mary Day": "Assumption Day",
    "Christmas": "Christmas Day",
    "Labor Day": "Labour Day",
    "Worker's Day": "Labour Day",
    "May Day": "Labour Day",
    "National Day of Zumbi and Black Awareness": "Black Awareness Day",
    "The Buddha's Birthday": "Buddha's Birthday",
    "Universal Fraternization Day": "New Year's Day",
    "Tomb-Sweeping Day": "Qingming Festival",
    "Chinese New Year": "Lunar New Year",
    "Chinese New Year's Eve": "Lunar New Year Eve",
    "Korean New Year": "Lunar New Year",
    "The second day of Chinese New Year": "Lunar New Year",
    "The third day of Chinese New Year": "Lunar New Year",
    "The fourth day of Chinese New Year": "Lunar New Year",
    "The second day of Korean New Year": "Lunar New Year",
    "The day preceding Korean New Year": "Lunar New Year Eve",
    "The second day of Chuseok": "Chuseok",
    "The day preceding Chuseok": "Chuseok Eve",
    "The day following Good Friday": "Holy Saturday",
    "The first weekday after Christmas Day": "Boxing Day",
    "The Day following Mid-Autumn Festival": "Mid-Autumn Festival",
    "The Second Day following Mid-Autumn Festival": "Mid-Autumn Festival",
    "Juneteenth National Independence Day": "Juneteenth",
    "Day of Portugal, Camões, and the Portuguese Communities": "Portugal Day",
    "National Day of the Third of May": "Third of May Day",
    "Saint Francis of Assisi, Patron Saint of Italy": "Saint Francis of Assisi",
    "Struggle for Freedom and Democracy Day and International Students' Day": "Freedom and "
    "Democracy Day",
    "Taiwan Restoration and Guningtou Victory Memorial Day": "Taiwan Restoration Day",
}
# Days of one year only, and days that are no day off for trade.
_LEFT_OUT = re.compile(
    r"estimated|substituted|Coronation|Mourning|Jubilee|Funeral|Queen Elizabeth|Election|"
    r"Polling|Temporary|Armed Forces|Change of Federal|Substitute Holiday|National Holiday|"
    r"Day of Remembrance and Recognition"
)
_NAMES = Path(__file__).parents[1] / "data" / "holiday_names.csv"


@cache
def _zh() -> dict[str, str]:
    with _NAMES.open(encoding="utf-8", newline="") as file:
        return {row["en"]: row["zh"] for row in csv.DictReader(file)}


def holiday_rows() -> list[tuple[str, ...]]:
    """Rows of `holiday_calendar` of all countries but China."""
    return [row for country in COUNTRIES for row in _of_country(country)]


def _of_country(country: str) -> Iterator[tuple[str, ...]]:
    """A country's days, those of one name that follow each other as one row."""
    days: dict[tuple[str, int], list[date]] = {}
    found = holidays.country_holidays(
        country, subdiv=COUNTRIES[country] or None, years=YEARS, language="en_US"
    )
    named = [(day, name) for day, names in found.items() for name in names.split("; ")]
    if country not in ASIA:
        named += [(date(year, 12, 24), "Christmas Eve") for year in YEARS]
        named += [(date(year, 12, 31), "New Year's Eve") for year in YEARS]
    for day, raw in sorted(set(named)):
        if not _LEFT_OUT.search(raw):
            days.setdefault((_label(raw), day.year), []).append(day)
    own = {day for (label, _), dates in days.items() if "(observed)" not in label for day in dates}
    for (label, _), dates in sorted(days.items(), key=lambda item: (item[1][0], item[0])):
        ordered = sorted(set(dates))
        first = ordered[0]
        if "(observed)" in label and first in own:
            continue  # the day has a name of its own
        length = next((n for n, d in enumerate(ordered) if d != first + timedelta(days=n)), None)
        plain = label.removesuffix(" (observed)")
        zh = _zh()[plain] + ("补休" if plain != label else "")
        holiday = re.sub(r"\W+", "_", label.replace("'", "").lower()).strip("_")
        yield (country, first.isoformat(), str(length or len(ordered)), holiday, label, zh)


def _label(raw: str) -> str:
    """What a day is called here; the day off in place of another is that day, observed."""
    name = raw.removesuffix(" (observed)").removeprefix("Alternative holiday for ")
    label = _SAME.get(name, name)
    return label if name == raw else f"{label} (observed)"


def promo_rows() -> list[tuple[str, ...]]:
    """Rows of `promo_calendar` of all countries but China."""
    rows = []
    for country in COUNTRIES:
        for year in YEARS:
            if country in BLACK_FRIDAY:
                friday = _nth(year, 11, 3, 4) + timedelta(days=1)  # the day after the 4th Thursday
                monday = friday - timedelta(days=4)
                sale = ("black_friday", "Black Friday", "黑色星期五")
                rows.append(_phase(country, year, sale, "warm_up", monday, friday))
                rows.append(_phase(country, year, sale, "peak", friday, friday + timedelta(days=4)))
            if day := mothers_day(country, year):
                sale = ("mothers_day", "Mother's Day", "母亲节")
                begin, end = day - timedelta(days=3), day + timedelta(days=1)
                rows.append(_phase(country, year, sale, "peak", begin, end))
    return rows


def mothers_day(country: str, year: int) -> date | None:
    """Mother's day: a Sunday, but in Poland the 26th and in Mexico the 10th of May."""
    if country in {"GB", "IE"}:
        return easter(year) - timedelta(days=21)
    if country in {"ES", "PT"}:
        return _nth(year, 5, 6, 1)
    if country in {"FR", "SE"}:
        last = date(year, 5, 31)
        last -= timedelta(days=(last.weekday() - 6) % 7)
        on_pentecost = country == "FR" and last == easter(year) + timedelta(days=49)
        return last + timedelta(days=7) if on_pentecost else last
    if country == "NO":
        return _nth(year, 2, 6, 2)
    if country in {"MX", "PL"}:
        return date(year, 5, 10 if country == "MX" else 26)
    return None if country == "KR" else _nth(year, 5, 6, 2)


@cache
def easter(year: int) -> date:
    """Easter Sunday: the second day after the Good Friday of the library."""
    friday = holidays.country_holidays("DE", years=year, language="en_US").get_named("Good Friday")
    return friday[0] + timedelta(days=2)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th weekday (0 = Monday) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _phase(
    country: str, year: int, sale: tuple[str, str, str], phase: str, begin: date, end: date
) -> tuple[str, ...]:
    promo, label_en, label_zh = sale
    span = (f"{begin} 00:00:00", f"{end} 00:00:00")
    return (country, promo, str(year), "", phase, *span, label_en, label_zh)


def text(seed: str, rows: list[tuple[str, ...]]) -> str:
    """The seed's file: its header, China's rows as they stand, the rows of the others."""
    lines = (SEEDS / f"{seed}.csv").read_text("utf-8").splitlines()
    kept = [lines[0], *(line for line in lines if line.startswith("CN,"))]
    return "\n".join([*kept, *(_line(row) for row in rows)]) + "\n"


def _line(row: tuple[str, ...]) -> str:
    assert not any(set(cell) & set(',"\n') for cell in row), row
    return ",".join(row)


def main() -> None:
    """Write both seeds anew."""
    for seed, rows in (("holiday_calendar", holiday_rows()), ("promo_calendar", promo_rows())):
        (SEEDS / f"{seed}.csv").write_text(text(seed, rows), "utf-8")


if __name__ == "__main__":
    main()
