"""Experiments: ship or not?"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Key, Page, Table, named, same, sentences, tr
from dashboards.charts.forest import Range, forest
from dashboards.pages.shared.layout import Block, analysis, empty_state
from dashboards.wording.formatting import DASH, fixed, integer, percent

_TABLE, _CSV = "insights.experiment_results", "experiment_results"
_LEVEL = 0.05  # of the test that is corrected for the number of measures
_RATES = frozenset({"conversion_rate"})


def _key(row: Row) -> tuple[str, str, str]:
    return str(row["platform"]), str(row["experiment"]), str(row["variant"])


def verdict(row: Row) -> str:
    """better, worse, open; or the status of what was not tested."""
    if row["status"] != "tested":
        return str(row["status"])
    if row["adjusted_p_value"] is None or row["difference"] is None:
        return "open"
    if row["adjusted_p_value"] >= _LEVEL:
        return "open"
    return "better" if row["difference"] > 0 else "worse"


def told(rows: Sequence[Row]) -> Both:
    """What one variant shows: the measures it moves for sure, or why nothing is said."""
    first = rows[0]
    words = {"experiment": same(str(first["experiment"])), "variant": same(str(first["variant"]))}
    if first["status"] != "tested":
        return tr(f"experiments.said_{first['status']}", **words)
    sides = [(row, verdict(row)) for row in rows]
    sure = [(row, side) for row, side in sides if side in ("better", "worse")]
    if not sure:
        return tr("experiments.said_open", **words)
    both_ways = {side for _, side in sure}
    side = "mixed" if len(both_ways) > 1 else both_ways.pop()
    row = min(sure, key=lambda found: (found[0]["adjusted_p_value"], str(found[0]["metric"])))[0]
    return tr(f"experiments.said_{side}", measure=_measure(row), **words)


def _measure(row: Row) -> Both:
    return named("experiments.measure", str(row["metric"]))


def _value(row: Row, column: str) -> str:
    value = row[column]
    if value is None:
        return DASH
    return percent(value, 2) if row["metric"] in _RATES else fixed(value, 2)


def _range(row: Row) -> Range:
    """The difference in parts of the control, for an axis that all measures share."""
    parts = {n: row[n] / row["control_value"] for n in ("lower", "difference", "upper")}
    role = {"better": "better", "worse": "worse"}.get(verdict(row), "ink3")
    return Range(_measure(row), parts["lower"], parts["difference"], parts["upper"],
                 same(percent(parts["difference"], 1, signed=True)), role)  # fmt: skip


def _table(rows: Sequence[Row]) -> Table:
    """The results as they are published; of what was not tested only who was exposed."""
    first = rows[0]
    if first["status"] != "tested":
        return Table(
            [tr("experiments.head_variant"), tr("experiments.head_exposed")],
            [[str(first[name]), integer(first[count])]
             for name, count in (("variant", "exposed"), ("control", "control_exposed"))],
        )  # fmt: skip
    heads = ("measure", "variant", "control", "difference", "lower", "upper", "p", "sequential",
             "verdict")  # fmt: skip
    columns = ("value", "control_value", "difference", "lower", "upper")
    return Table(
        [tr(f"experiments.head_{key}") for key in heads],
        [
            [
                _measure(row), *(_value(row, column) for column in columns),
                fixed(row["adjusted_p_value"], 3), fixed(row["always_valid_p_value"], 3),
                tr(f"experiments.verdict_{verdict(row)}"),
            ]
            for row in rows
        ],
    )  # fmt: skip


def chart_of(page: Page, rows: Sequence[Row], place: int) -> Chart:
    """One variant against its control, measure by measure."""
    first = rows[0]
    drawn = [r for r in rows if r["control_value"] and r["lower"] is not None
             and r["upper"] is not None and r["status"] == "tested"]  # fmt: skip
    chart = Chart(
        id=f"experiment-{place}",
        title=told(rows),
        subtitle=tr(
            "experiments.subtitle", platform=segment_name("platform", str(first["platform"])),
            variant=str(first["variant"]), control=str(first["control"]),
            n=integer(first["exposed"]), m=integer(first["control_exposed"]),
            p=fixed(first["sample_ratio_p_value"], 3),
        ),
        figure=forest([_range(r) for r in drawn], page.pool) if drawn else None,
        table=_table(rows),
        source=_TABLE,
        csv=f"data/{_CSV}.csv",
        height=70 + 40 * len(drawn),
        legend=[Key("●", role, tr(f"experiments.verdict_{key}"))
                for key, role in (("better", "better"), ("worse", "worse"), ("open", "ink3"))],
        empty=named("experiments.status", str(first["status"])),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def build(data: Data, info: SiteInfo) -> Page:
    """The page `experiments.html`."""
    page = analysis("experiments")
    if empty := empty_state(data[_TABLE], info, {"exposures"}):
        page.values["headline"] = empty
        return page
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in (
        data[_TABLE]
        .sort("platform", "experiment", "variant", "metric", descending=[False, False, False, True])
        .to_dicts()
    ):
        groups.setdefault(_key(row), []).append(row)
    page.values["headline"] = sentences([told(rows) for rows in groups.values()])
    page.values["remarks"] = [tr("experiments.how")]
    page.values["blocks"] = [
        Block([chart_of(page, rows, place)]) for place, rows in enumerate(groups.values())
    ]
    return page
