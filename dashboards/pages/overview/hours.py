"""Sales of the last day by hour against the days that are like it."""

from __future__ import annotations

from dashboards.base.data import Data, SiteInfo
from dashboards.base.page import Both, Chart, Key, Page, Table, amount_text, both, named, same, tr
from dashboards.charts.money import MoneyLine, money_lines
from dashboards.figures.hours import HOURS, LIKE_DAYS, hours
from dashboards.wording.formatting import exact_money, long_day

_TICKS = [same(f"{hour}:00") for hour in range(HOURS)]


def hours_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """The busiest hour, and the least and most that like days sold in each."""
    found = hours(data, info)
    day = both(lambda lang: long_day(info.data_through, lang))
    figure, title = None, tr("hours.title_none")
    rows: list[list[Both | str]] = []
    if found:
        figure = money_lines(
            [MoneyLine(day, found.values)], (_TICKS, 6), info.currency, page.pool,
            (found.low, found.high) if found.days else None,
        )  # fmt: skip
        rows = [
            [
                _TICKS[hour],
                *(exact_money(v, info.currency) for v in (found.values[hour], *spread)),
            ]
            for hour, spread in enumerate(
                zip(found.low, found.high, strict=True) if found.days else [()] * HOURS
            )
        ]
        busy = max(range(HOURS), key=lambda hour: (found.values[hour], -hour))
        most = found.values[busy]
        title = tr("hours.title" if most > 0 else "hours.title_zero", a=busy, b=busy + 1,
                   amount=amount_text(most, info.currency))  # fmt: skip
    weekday = named("weekday", str(info.data_through.isoweekday()))
    has_band = bool(found and found.days)
    heads = ["hour", "gmv", *(["least", "most"] if has_band else [])]
    chart = Chart(
        id="hours",
        title=title,
        subtitle=tr("hours.subtitle" if has_band else "hours.subtitle_plain",
                    day=day, weekday=weekday, n=LIKE_DAYS),
        figure=figure,
        table=Table([tr(f"table.{key}") for key in heads], rows),
        source="marts.fct_gmv_hourly",
        csv="data/gmv_hourly.csv",
        height=230,
        empty=tr("hours.empty"),
        legend=_legend(has_band, day, weekday),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _legend(has_band: bool, day: Both, weekday: Both) -> list[Key]:
    band = [Key("■", "band", tr("hours.band", weekday=weekday, n=LIKE_DAYS))] if has_band else []
    return [Key("—", "accent", day), *band]
