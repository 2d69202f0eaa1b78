"""Fakes of published tables that cannot have other columns or types than the tables themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import polars as pl
import yaml

from models.anomaly import ANOMALY_SCHEMA
from models.attribution import CREDIT_SCHEMA
from models.audiences import AUDIENCE_SCHEMA, SIZE_SCHEMA
from models.baskets import RULE_SCHEMA
from models.demand import DEMAND_SCHEMA
from models.episodes import INCIDENT_SCHEMA
from models.experiments import RESULT_SCHEMA
from models.forecast import FORECAST_SCHEMA
from models.loss import EFFECT_SCHEMA
from models.promo_uplift import NEW_BUYER_SCHEMA, UPLIFT_SCHEMA
from models.replenishment import REORDER_SCHEMA
from models.root_cause import ROOT_CAUSE_SCHEMA
from models.root_cause_sets import SET_SCHEMA
from orchestration.build import dbt, raw
from orchestration.build.audit import RECONCILED
from orchestration.build.registry import METRICS, metrics
from orchestration.config.settings import DBT_PROJECT_DIR

Rows = pl.DataFrame | Sequence[Mapping[str, Any]]
MONEY, INSTANT = pl.Decimal(18, 2), pl.Datetime("us")
_TYPES = {
    "string": pl.String(), "double": pl.Float64(), "bigint": pl.Int64(), "integer": pl.Int32(),
    "boolean": pl.Boolean(), "date": pl.Date(), "timestamp": INSTANT,
}  # fmt: skip


def _in_money(schema: Mapping[str, Any]) -> dict[str, Any]:
    """As written: amounts are money, see orchestration/defs/insights.py."""
    return {name: MONEY if name.endswith("_amount") else kind for name, kind in schema.items()}


_LOST = {"impact_amount": MONEY}  # written as money, see orchestration/defs/insights.py
_TOLD = dict.fromkeys(("observed_amount", "expected_amount", "company_impact_amount"), MONEY)
_VALUE = dict.fromkeys(("expected_sales_amount", "lower_sales_amount", "upper_sales_amount"), MONEY)
_SAID = {"explanation_en": pl.String, "explanation_zh": pl.String}
_WRITTEN: dict[str, Mapping[str, Any]] = {
    "insights.anomalies": {**ANOMALY_SCHEMA, **_LOST},
    "insights.attribution_data_driven": CREDIT_SCHEMA,
    "insights.audience_sizes": SIZE_SCHEMA,
    "insights.audiences": AUDIENCE_SCHEMA,
    "insights.basket_rules": RULE_SCHEMA,
    "insights.customer_value": {
        **_VALUE, "customer_key": pl.String, "first_channel": pl.String,
        "alive_probability": pl.Float64, "expected_purchases": pl.Float64,
        **dict.fromkeys(("repeat_purchase_days", "purchase_span_days", "age_days"), pl.Int64),
        "repeat_purchase_amount": MONEY, "expected_margin_amount": MONEY,
    },
    "insights.customer_value_by_channel": {
        **_VALUE, "first_channel": pl.String, "customers": pl.Int64,
    },
    "insights.demand_forecast": {
        **dict.fromkeys(("product_key", "source", "product_id"), pl.String),
        **{name: kind for name, kind in DEMAND_SCHEMA.items()
           if name not in ("series", "count_dispersion", "relative_error")},
    },
    "insights.experiment_results": RESULT_SCHEMA,
    "insights.gmv_forecast": _in_money(FORECAST_SCHEMA),
    "insights.incident_effects": {**EFFECT_SCHEMA, "effect_amount": MONEY},
    "insights.incidents": {**INCIDENT_SCHEMA, **_LOST, **_TOLD, **_SAID},
    "insights.promo_new_buyers": NEW_BUYER_SCHEMA,
    "insights.promo_uplift": _in_money(UPLIFT_SCHEMA),
    "insights.reorder_plan": _in_money(REORDER_SCHEMA),
    "insights.root_cause_sets": SET_SCHEMA,
    "insights.root_causes": {**ROOT_CAUSE_SCHEMA, **_LOST},
    "quality.checks": dbt.CHECKS_SCHEMA,
    "quality.ingest_files": raw._files_frame([], []).schema,
    "quality.metrics": METRICS,
    "quality.reconciliation_daily": RECONCILED,
    "quality.run": {
        "run_id": pl.String, "built_at": INSTANT, "data_through": pl.Date, "as_of": pl.Date,
        **dict.fromkeys(("shop_name", "currency", "timezone", "inputs", "tests_cover"), pl.String),
    },
}  # fmt: skip
"""Tables that no yml describes: those the run itself writes."""


@cache
def _models() -> dict[str, dict[str, Any]]:
    """Schema-qualified name -> the model or seed as its yml describes it."""
    found = {}
    for folder in ("models/marts", "models/quality", "seeds"):
        for file in sorted((DBT_PROJECT_DIR / folder).rglob("*.yml")):
            said = yaml.safe_load(file.read_text("utf-8"))
            for model in said.get("models") or said.get("seeds") or []:
                schema = model.get("config", {}).get("schema") or folder.partition("/")[2]
                if schema in ("marts", "quality"):
                    found[f"{schema}.{model['name']}"] = model
    return found


def manifest() -> dict[str, Any]:
    """Of what dbt would parse the tables of `contracts` and their keys."""
    nodes: dict[str, Any] = {}
    for name, model in _models().items():
        columns = {column["name"]: column for column in model["columns"]}
        nodes[name] = {"name": model["name"], "resource_type": "model", "columns": columns}
        for test in model.get("data_tests", []):
            for kind in {"unique_grain", "refers_to"} & set(test):
                told = {"name": kind, "kwargs": test[kind]["arguments"]}
                place = f"{name} {kind} {len(nodes)}"
                nodes[place] = {"name": place, "resource_type": "test", "columns": {},
                                "test_metadata": told, "attached_node": name}  # fmt: skip
    return {"nodes": nodes}


def registry() -> pl.DataFrame:
    """`quality.metrics` as a run would publish it."""
    return metrics(manifest())


def comparisons() -> pl.DataFrame:
    """`quality.comparisons`, which is a seed."""
    return fake("quality.comparisons", pl.read_csv(DBT_PROJECT_DIR / "seeds/comparisons.csv"))


@cache
def contracts() -> dict[str, dict[str, pl.DataType]]:
    """Table -> column -> type, of every published table."""
    found = {table: dict(pl.Schema(columns)) for table, columns in _WRITTEN.items()}
    for table, model in _models().items():
        seeded = model.get("config", {}).get("column_types", {})
        found[table] = {
            column["name"]: _type(column.get("data_type") or seeded.get(column["name"], "string"))
            for column in model["columns"]
        }
    return found


def _type(name: str) -> pl.DataType:
    decimal = re.fullmatch(r"decimal\((\d+), ?(\d+)\)", name)
    return pl.Decimal(*map(int, decimal.groups())) if decimal else _TYPES[name]


def fake(table: str, rows: Rows) -> pl.DataFrame:
    """The table with these rows, in its own types; columns that are not given are NULL.

    Raises:
        TypeError: a column that the table does not have, or a value that its type cannot hold.
    """
    contract = contracts()[table]
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(
        list(rows), infer_schema_length=None)  # fmt: skip
    if unknown := set(frame.columns) - set(contract):
        raise TypeError(f"{table} has no column {', '.join(sorted(unknown))}")
    held = {name: _held(frame[name], dtype, f"{table}.{name}") for name, dtype in contract.items()
            if name in frame.columns}  # fmt: skip
    return pl.DataFrame(
        [held.get(name, pl.Series(name, [None] * frame.height, dtype=dtype))
         for name, dtype in contract.items()]
    )  # fmt: skip


def _held(values: pl.Series, dtype: pl.DataType, place: str) -> pl.Series:
    if values.dtype in (dtype, pl.Null):
        return values.cast(dtype)
    if values.dtype.is_numeric() and dtype.is_numeric():
        cast = values.cast(dtype)
        if ((cast.cast(pl.Float64) - values.cast(pl.Float64)).abs() < 1e-6).all():
            return cast
    elif values.dtype.is_temporal() and type(values.dtype) is type(dtype):
        return values.cast(dtype)
    raise TypeError(f"{place} is {dtype}, not {values.dtype}: {values.head(3).to_list()}")


def fakes(rows: Mapping[str, Rows]) -> dict[str, pl.DataFrame]:
    """Several tables at once."""
    return {table: fake(table, of) for table, of in rows.items()}
