"""The calendars of countries as seeds, and section `calendar` of shop.yml."""

from __future__ import annotations

from datetime import date
from typing import Any

import holidays
import pytest
import yaml
from pydantic import ValidationError

from orchestration.cli.init import _calendar
from orchestration.config.calendar import Calendar, country_of, known_countries, seeded
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.errors import KpiError
from tests.support import calendars


@pytest.mark.parametrize("seed", ["holiday_calendar", "promo_calendar"])
def test_the_seeds_are_what_the_command_makes(seed: str) -> None:
    made = {"holiday_calendar": calendars.holiday_rows, "promo_calendar": calendars.promo_rows}
    written = (calendars.SEEDS / f"{seed}.csv").read_text("utf-8")
    assert calendars.text(seed, made[seed]()) == written


def test_days_that_anyone_can_look_up() -> None:
    """Each from a printed calendar of its country, not from the library."""
    days = {(r["country"], r["holiday"], r["holiday_date"]): r["days"]
            for r in seeded("holiday_calendar")}  # fmt: skip
    for country, holiday, day in (
        ("DE", "christmas_day", "2025-12-25"), ("DE", "second_day_of_christmas", "2025-12-26"),
        ("DE", "easter_monday", "2025-04-21"), ("DE", "easter_monday", "2026-04-06"),
        ("DE", "german_unity_day", "2025-10-03"), ("GB", "boxing_day", "2025-12-26"),
        ("GB", "late_summer_bank_holiday", "2025-08-25"), ("GB", "good_friday", "2024-03-29"),
        ("US", "thanksgiving_day", "2025-11-27"), ("US", "independence_day", "2026-07-04"),
        ("FR", "armistice_day", "2025-11-11"), ("ES", "epiphany", "2026-01-06"),
        ("NL", "kings_day", "2025-04-26"), ("JP", "showa_day", "2026-04-29"),
        ("HK", "lunar_new_year", "2026-02-17"), ("PL", "independence_day", "2025-11-11"),
    ):  # fmt: skip
        name = "national_independence_day" if country == "PL" else holiday
        assert (country, name, day) in days, (country, holiday, day)
    assert days["CN", "national_day", "2025-10-01"] == "7"
    sales = {(r["country"], r["promo"], r["phase"]): (r["starts_at"][:10], r["ends_at"][:10])
             for r in seeded("promo_calendar") if r["promo_year"] == "2025"}  # fmt: skip
    assert sales["US", "black_friday", "peak"] == ("2025-11-28", "2025-12-02")
    mothers = {"US": "05-12", "GB": "03-31", "ES": "05-05", "FR": "05-26", "MX": "05-11",
               "NO": "02-10", "PL": "05-27"}  # fmt: skip
    for country, after in mothers.items():  # the day after
        assert sales[country, "mothers_day", "peak"][1] == f"2025-{after}", country


def test_the_moving_days_of_china_written_by_hand_are_those_of_the_library() -> None:
    named = {
        "lunar_new_year": "Spring Festival", "qingming_festival": "Tomb-Sweeping",
        "dragon_boat_festival": "Dragon Boat", "mid_autumn_festival": "Mid-Autumn",
    }  # fmt: skip
    library = holidays.country_holidays("CN", years=calendars.YEARS, language="en_US")
    rows = [row for row in seeded("holiday_calendar") if row["country"] == "CN"]
    for row in rows:
        day = date.fromisoformat(row["holiday_date"])
        if row["holiday"] in named and day.year in calendars.YEARS:
            assert named[row["holiday"]] in library[day], row


def test_every_country_of_a_zone_has_events() -> None:
    assert known_countries() == {"CN", *calendars.COUNTRIES}
    for zone in ("Europe/Madrid", "Europe/Oslo", "Asia/Shanghai", "America/Chicago"):
        assert country_of(zone) in known_countries()
    assert country_of("UTC") is None and country_of("FILL_IN") is None


def shop(calendar: Any = None) -> Settings:
    files = [{"path": "x.csv", "format": "plain_orders"}]
    zones = {"tmall": "Europe/Berlin", "site": "Europe/Berlin", "pos": "UTC", "cn": "Asia/Shanghai"}
    text = {
        "shop": {"name": "x", "currency": "EUR", "timezone": "Europe/Berlin"},
        "sources": {
            name: {"platform": name, "shop_id": name, "timezone": zone, "currency": "EUR",
                   "files": files} for name, zone in zones.items()
        },
        **({"calendar": calendar} if calendar else {}),
    }  # fmt: skip
    return Settings(Paths(calendars.SEEDS), calendars.SEEDS / "shop.yml", ShopFile(**text))


def countries(calendar: Any = None) -> dict[str, str | None]:
    made = shop(calendar)
    return made.file.calendar.countries(made.sources)


def test_a_platforms_country_is_told_else_that_of_its_time() -> None:
    assert countries() == {"tmall": "CN", "site": "DE", "pos": None, "cn": "CN"}
    assert countries({"country": "US"}) == {"tmall": "CN", "site": "US", "pos": "US", "cn": "US"}
    assert countries({"country": "none", "platforms": {"site": "AT"}}) == {
        "tmall": "CN", "site": "AT", "pos": None, "cn": None,
    }  # fmt: skip
    norway = yaml.safe_load("{country: NO}")
    assert norway == {"country": False} and countries(norway)["site"] == "NO"


@pytest.mark.parametrize(
    ("calendar", "told"),
    [
        ({"country": "XX"}, "no country whose holidays are known"),
        ({"remove": ["double_13"]}, "double_1"),
        ({"add": [{"name": "a", "kind": "sale", "first_day": "2026-05-02",
                   "last_day": "2026-05-01"}]}, "before"),
        ({"add": [{"name": "a", "kind": "party", "first_day": "2026-05-02"}]}, "closed"),
        ({"add": [{"name": "a", "kind": "sale", "first_day": "2026-05-02"},
                  {"name": "a", "kind": "sale", "first_day": "2026-06-02"}]}, "twice"),
        ({"add": [{"name": "a", "kind": "sale", "first_day": "2026-05-02"},
                  {"name": "a", "kind": "sale", "first_day": "2026-06-02", "platform": "site"}]},
         "twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(calendar: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Calendar(**calendar)


def test_a_proposal_names_the_country_of_its_zone_or_says_how() -> None:
    assert yaml.safe_load(_calendar({"timezone": "Europe/Madrid"})) == {
        "calendar": {"country": "ES"}
    }
    for zone in ("UTC", "FILL_IN"):
        told = _calendar({"timezone": zone})
        assert yaml.safe_load(told) is None
        assert yaml.safe_load(told.replace("# ", "", 1)) == {"calendar": {"country": "DE"}}


def test_a_platform_that_no_source_is_of_is_told() -> None:
    for calendar in ({"platforms": {"shop": "DE"}},
                     {"add": [{"name": "a", "kind": "closed", "first_day": "2026-01-01",
                               "platform": "shop"}]}):  # fmt: skip
        with pytest.raises(KpiError, match="no source is of it"):
            _ = shop(calendar).sources
