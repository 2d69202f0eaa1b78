"""The metric registry as semantic models of MetricFlow, which dbt and tools beside it read.

Only what adds up, and ratios of it, can be said there: a distinct count would be added up by the
first tool that reads it. What the registry does not define is not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from orchestration.build.registry import PARTS

_GRAINS = {"dai": "day", "week": "week", "month": "month"}


def semantic_models(manifest: Mapping[str, Any], metrics: pl.DataFrame) -> dict[str, Any]:
    """`semantic_models` and `metrics` as a yml of a dbt project has them.

    Args:
        manifest: of dbt; types of columns.
        metrics: rows of `quality.metrics`.

    A metric is measured in its finest mart whose rows are parts of one whole: rows that tell the
    whole by several dimensions (`dimension`, `segment`) are kept to the company's.
    """
    types = {
        node["name"]: {name: column.get("data_type") for name, column in node["columns"].items()}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    rows = {row["name"]: row for row in metrics.to_dicts()}
    measured: dict[str, list[dict[str, Any]]] = {}
    told = []
    for row in rows.values():
        if row["additivity"] == "additive" and (mart := _home(row["stored_in"], types)):
            measured.setdefault(mart, []).append(row)
            told.append(_metric(row, "simple", {"measure": _measure(row, mart, types[mart])}))
    known = {metric["name"] for metric in told}
    for row in rows.values():
        parts = {row["numerator"], row["denominator"]}
        if row["additivity"] == "ratio" and parts <= known and not row["whole"]:
            over_under = {key: row[key] for key in ("numerator", "denominator")}
            told.append(_metric(row, "ratio", over_under))
    models = [_model(mart, found, types[mart]) for mart, found in sorted(measured.items())]
    return {"semantic_models": models, "metrics": told}


def _places(stored_in: str | None) -> dict[str, list[str]]:
    found = re.findall(r"(\w+)\(([^)]*)\)", stored_in or "")
    return {mart: grain.split(", ") for mart, grain in found}


def _period(mart: str, grain: list[str], types: Mapping[str, Mapping[str, Any]]) -> str | None:
    every = re.search(r"_(dai|week|month)ly$", mart)
    dates = [name for name in grain if types.get(mart, {}).get(name) == "date"]
    return dates[0] if every and dates else None


def _home(stored_in: str | None, types: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The mart by day, of parts by platform where there is one.

    None where all tell the whole in several ways, as by models: a tool would add them up.
    """
    places = _places(stored_in)
    fit = [mart for mart, grain in places.items()
           if (period := _period(mart, grain, types))
           and {*grain} - {period} <= {*PARTS, "dimension", "is_additive"}]  # fmt: skip
    return min(fit, key=lambda mart: (not mart.endswith("_daily"), "dimension" in places[mart],
                                      mart), default=None)  # fmt: skip


def _measure(row: Mapping[str, Any], mart: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    """The sum of a column over the rows that are parts of one whole."""
    kept = []
    if "is_additive" in columns:
        kept.append(f"{{{{ Dimension('{mart}__is_additive') }}}}")
    if "dimension" in columns:
        kept.append(f"{{{{ Dimension('{mart}__dimension') }}}} = 'all'")
    return {"name": f"{row['name']}_sum"} | ({"filter": " and ".join(kept)} if kept else {})


def _metric(row: Mapping[str, Any], kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    labels = {lang: row[f"label_{lang}"] for lang in ("en", "zh")}
    meta = {"labels": labels, "definition_zh": row["definition_zh"], "unit": row["unit"],
            "good_direction": row["good_direction"], "owner": row["owner"]}  # fmt: skip
    return {"name": row["name"], "label": row["label_en"], "description": row["definition_en"],
            "type": kind, "type_params": dict(params), "config": {"meta": meta}}  # fmt: skip


def _model(mart: str, found: list[dict[str, Any]], columns: Mapping[str, Any]) -> dict[str, Any]:
    grain = _places(found[0]["stored_in"])[mart]
    period = str(_period(mart, grain, {mart: columns}))
    every = _GRAINS[str(re.search(r"_(dai|week|month)ly$", mart)[1])]  # type: ignore[index]
    return {
        "name": mart,
        "model": f"ref('{mart}')",
        "defaults": {"agg_time_dimension": period},
        "primary_entity": mart,
        "dimensions": [
            {"name": period, "type": "time", "type_params": {"time_granularity": every}},
            *({"name": name, "type": "categorical"} for name in grain if name != period),
        ],
        "measures": [
            {"name": f"{row['name']}_sum", "agg": "sum", "expr": row["name"]} for row in found
        ],
    }
