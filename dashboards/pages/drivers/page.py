"""GMV drivers: why did GMV change? One file a day, one section a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dashboards.base.data import Data, SiteInfo
from dashboards.base.names import comparison_name
from dashboards.base.page import Both, Chart, Page, Tab, both, tr
from dashboards.figures.changes import DIMENSIONS, comparisons, days_shown
from dashboards.pages.drivers.causes import cause_chart
from dashboards.pages.drivers.tree import Tree, build_tree
from dashboards.pages.shared.changes import (
    base_remarks,
    contribution_tabs,
    told,
    waterfall_chart,
)
from dashboards.pages.shared.incidents import alerts
from dashboards.wording.formatting import day, weekday


@dataclass(frozen=True)
class Section:
    """One comparison of one day, with all its charts."""

    comparison: str
    label: Both
    versus: Both
    headline: Both
    remarks: list[Both]
    tree: Tree
    waterfall: Chart
    tabs: list[Tab]


@dataclass(frozen=True)
class DayLink:
    """An entry of the day selector."""

    href: str
    weekday: Both
    label: Both
    is_current: bool


def path_of(moment: date, info: SiteInfo) -> str:
    """The file of a day; the last day is the page the navigation leads to."""
    return "drivers.html" if moment == info.data_through else f"drivers/{moment.isoformat()}.html"


def _sections(data: Data, info: SiteInfo, page: Page, moment: date) -> list[Section]:
    sections = []
    for name in comparisons(data, moment):
        change = data.change(moment, name)
        if change is None:
            continue
        sections.append(
            Section(
                comparison=name,
                label=comparison_name(data, name, "label"),
                versus=comparison_name(data, name, "versus"),
                headline=told(data, info, moment, change),
                remarks=base_remarks(data, moment, name),
                tree=build_tree(data, info, change),
                waterfall=waterfall_chart((data, info), page, change, f"waterfall-{name}"),
                tabs=contribution_tabs((data, info), page, change, DIMENSIONS, f"by-{name}"),
            )
        )
    return sections


def _day_label(moment: date) -> Both:
    return both(lambda lang: day(moment, lang))


def _weekday_label(moment: date) -> Both:
    return both(lambda lang: weekday(moment, lang))


def build(data: Data, info: SiteInfo, moment: date) -> Page:
    """The page of one day."""
    page = Page(path_of(moment, info), "drivers.html", "drivers", tr("nav.drivers_title"))
    sections = _sections(data, info, page, moment)
    page.values = {
        "sections": sections,
        "comparison_tabs": [{"key": s.comparison, "label": s.label} for s in sections],
        "headline": told(data, info, moment, None),
        "alerts": alerts(data, info, moment, ("data",)),
        "causes": cause_chart(data, info, page, moment),
        "has_sales": data.company_on(moment) is not None,
        "days": [
            DayLink(path_of(shown, info), _weekday_label(shown), _day_label(shown), shown == moment)
            for shown in days_shown(data, info)
        ],
    }
    return page
