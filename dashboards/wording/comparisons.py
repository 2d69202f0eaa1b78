"""Which comparison of `fct_gmv_change` a reader would ask for, and how it is called.

Belongs here: reading `quality.comparisons`, the one list of them. Does not belong here: the list.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import polars as pl

__all__ = ["Comparisons", "Form", "change_row"]

Form = Literal["label", "versus", "base", "alert"]


class Comparisons:
    """The rows of `quality.comparisons` in the order pages show them.

    Args:
        rows: the published table; may be empty, and a comparison is then called by its name.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows: dict[str, dict[str, Any]] = {
            row["comparison"]: row for row in rows.sort("position").to_dicts()
        }
        asked = rows.drop_nulls("alert_position").sort("alert_position")
        self._asked = asked["comparison"].to_list()

    @property
    def names(self) -> tuple[str, ...]:
        """All comparisons in order."""
        return tuple(self._rows)

    def base_days(self, name: str | None) -> tuple[int, int] | None:
        """First and last day of the base, in days before; None where it is no fixed window."""
        row = self._rows.get(name or "") or {}
        first, last = row.get("first_offset"), row.get("last_offset")
        return None if first is None or last is None else (int(first), int(last))

    def base_day(self, name: str | None) -> int | None:
        """The base in days before where it is one day, else None."""
        days = self.base_days(name)
        return days[0] if days and days[0] == days[1] else None

    def said(self, name: str, form: Form, lang: str) -> str:
        """How a comparison is called.

        Args:
            name: the comparison.
            form: `label` of the comparison; the base inside a sentence of a page (`versus`), on its
                own (`base`), or inside an alert.
            lang: `en` or `zh`.
        """
        return (self._rows.get(name) or {}).get(f"{form}_{lang}") or name.replace("_", " ")

    def sensible(self, changes: pl.DataFrame, business_date: date) -> str | None:
        """The comparison a reader would ask for on this day; None if the day has none.

        In a promotion that is the same day of the same phase a year ago, else four weeks of
        ordinary days.

        Args:
            changes: rows of `fct_gmv_change`.
            business_date: the day; `promo_phase` rows exist on days of a phase only.
        """
        found = set(changes.filter(pl.col("business_date") == business_date)["comparison"])
        return next((name for name in self._asked if name in found), None)


def change_row(
    changes: pl.DataFrame, business_date: date, comparison: str, dimension: str, segment: str
) -> dict[str, object] | None:
    """One row of `fct_gmv_change` as a mapping, or None."""
    rows = changes.filter(
        pl.col("business_date") == business_date,
        pl.col("comparison") == comparison,
        pl.col("dimension") == dimension,
        pl.col("segment") == segment,
    )
    return rows.row(0, named=True) if len(rows) else None
