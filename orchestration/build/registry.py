"""The metric registry: what `meta.metric` of the marts' columns says, and where each metric stands.

A column either defines a metric (a mapping, once in the project) or names one: `metric: gmv` says
that the column is the metric `gmv` of another mart at its own grain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from orchestration.build.dbt import manifest as parsed_manifest
from orchestration.build.erd import grains

METRICS = dict.fromkeys(
    ("name", "label_en", "label_zh", "unit", "additivity", "good_direction", "owner",
     "definition_en", "definition_zh", "numerator", "denominator", "whole", "needs", "stored_in"),
    pl.String,
)  # fmt: skip

# Columns whose values share a whole out: rows of several may be added up. Any other column of a
# grain (a model, a basis, a kind) tells the same whole in several ways: one has to be chosen.
PARTS = {
    "platform", "shop", "shop_id", "source", "channel", "campaign", "campaign_id", "account",
    "device", "region", "customer_type", "category", "product_id", "brand", "warehouse",
    "warehouse_id", "supplier", "supplier_id", "carrier", "reason", "segment", "rfm_segment",
}  # fmt: skip


def registry() -> pl.DataFrame:
    """The metric registry of the project as it was last parsed, as `metrics` gives it."""
    return metrics(parsed_manifest())


def metrics(manifest: Mapping[str, Any]) -> pl.DataFrame:
    """One row per metric, from `meta.metric` of the columns that carry it.

    Args:
        manifest: of dbt.

    Returns:
        Frame with the columns of `METRICS`. `numerator` and `denominator` are columns of the
        metric's own tables, whose sums give the metric at any grain, null where it is no ratio.
        `whole` and `needs` say which grouping makes no sense of it, see `orchestration.cli.query`.
        `stored_in` names the marts that hold it and their grain, as "mart(column, column); ...".
    """
    columns = list(_columns(manifest))
    held = {table: {name for other, name, _ in columns if other == table} for table, *_ in columns}
    keys = grains(manifest)
    rows = {name: _row(name, entry) for _, name, entry in columns if isinstance(entry, Mapping)}
    for row in rows.values():
        parts = {row["numerator"], row["denominator"]} - {None}
        places = sorted(
            f"{table}({', '.join(keys[table])})"
            for table, names in held.items()
            if table in keys and (row["name"] in names or (parts and parts <= names))
        )
        row["stored_in"] = "; ".join(places) or None
    return pl.DataFrame([rows[name] for name in sorted(rows)], schema=METRICS)


def _columns(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Table, metric and entry of every column that is one; the name of a column is its metric's."""
    for node in manifest["nodes"].values():
        for column in node.get("columns", {}).values():
            if entry := column.get("config", {}).get("meta", {}).get("metric"):
                yield node["name"], column["name"], entry


def _row(name: str, entry: Mapping[str, Any]) -> dict[str, str | None]:
    """The entry without depth: of a text in two languages two columns."""
    flat = {**dict.fromkeys(METRICS), "name": name, **entry}
    for key in ("label", "definition"):
        flat |= {f"{key}_{lang}": told for lang, told in entry[key].items()}
    return {column: flat[column] for column in METRICS}
