"""What `kpi export` writes beside the tables, and what dbt is told of who reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from dashboards import site
from dashboards.base.data import Data
from orchestration.build.semantic import semantic_models
from tests.browser import shop as pages
from tests.support import shop
from tests.support.contracts import manifest, registry
from tests.support.raw import PROJECT

ROOT = PROJECT.parent


def test_tables_are_exported_with_what_they_are(finished_home: Path, tmp_path: Path) -> None:
    done = shop.kpi(finished_home, "export", "parquet", "--table", "dim_product", "--out",
                    str(tmp_path))  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "schema.json").read_text("utf-8"))["marts.dim_product"]
    frame = pl.read_parquet(tmp_path / "marts.dim_product.parquet")
    assert [column["name"] for column in told["columns"]] == frame.columns
    assert told["description"].startswith("One row per")
    assert all(column["description"] and column["type"] for column in told["columns"])


def test_the_pages_of_the_tables_are_one_file_that_loads_nothing(
    finished_home: Path, tmp_path: Path
) -> None:
    done = shop.kpi(finished_home, "export", "docs", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "INLINE DATA" not in page and '"send_anonymous_usage_stats": false' in page
    loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)", page)
    assert loaded == []
    assert '"comment": "Goods value paid, without freight, on the day of full payment."' in page
    assert str(ROOT) not in page and str(finished_home) not in page
    assert (tmp_path / "erd.md").read_text("utf-8") == (ROOT / "docs/erd.md").read_text("utf-8")


def test_semantic_models_say_what_the_registry_says(finished_home: Path, tmp_path: Path) -> None:
    done = shop.kpi(finished_home, "export", "semantic", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    written = yaml.safe_load((tmp_path / "semantic.yml").read_text("utf-8"))
    assert written == semantic_models(manifest(), registry())
    rows = {row["name"]: row for row in registry().to_dicts()}
    metrics = {metric["name"]: metric for metric in written["metrics"]}
    # Distinct counts, and what several models tell of one order, would be added up by a tool.
    assert {"gmv", "orders", "cost", "aov", "cac"} <= metrics.keys()
    assert not {"visitors", "buyers", "conversion_rate", "credited_orders"} & metrics.keys()
    for name, metric in metrics.items():
        assert metric["description"] == rows[name]["definition_en"]
        assert metric["config"]["meta"]["labels"]["zh"] == rows[name]["label_zh"]
        kind = {"ratio": "ratio", "additive": "simple"}[rows[name]["additivity"]]
        assert metric["type"] == kind, name
    measures = [m["name"] for model in written["semantic_models"] for m in model["measures"]]
    assert len(measures) == len(set(measures))
    assert {
        m["type_params"]["measure"]["name"] for m in metrics.values() if m["type"] == "simple"
    } == {*measures}


@pytest.mark.long
def test_dbt_itself_reads_the_semantic_models(finished_home: Path, tmp_path: Path) -> None:
    """With a copy of the project, as its parser checks names, types and the calendar."""
    import shutil

    from tests.support.raw import run_dbt

    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target"))
    done = shop.kpi(finished_home, "export", "semantic", "--out", str(project / "models"))
    assert done.returncode == 0, done.stderr
    parsed = run_dbt(project, tmp_path / "working.duckdb", "parse").result
    named = {metric.name for metric in parsed.metrics.values()}
    assert named == {m["name"] for m in semantic_models(manifest(), registry())["metrics"]}


class Recorded(Data):
    """Frames of which it is known which were read."""

    seen: set[str]

    def __getitem__(self, name: str) -> pl.DataFrame:
        if hasattr(self, "seen"):
            self.seen.add(name)
        return super().__getitem__(name)


def read_by(build: Callable[[Data], Any]) -> set[str]:
    data = Recorded(pages.frames())
    data.seen = set()
    build(data)
    return data.seen


def test_exposures_name_the_tables_that_pages_and_alerts_read() -> None:
    info = pages.info()
    told = {
        one["name"]: set(re.findall(r"'(\w+)'", " ".join(one["depends_on"])))
        for one in yaml.safe_load((PROJECT / "models/exposures.yml").read_text("utf-8"))[
            "exposures"
        ]
    }
    read = {
        f"page_{name}": read_by(lambda data, page=name: getattr(site, page).build(data, info))
        for name in (entry.key for entry in site.PAGES)
        if name not in ("drivers", "weekly", "monthly")
    }
    for name in ("weekly", "monthly"):
        read[f"page_{name}"] = read_by(lambda data: site.build_reviews(data, info))
    read["page_drivers"] = read_by(
        lambda data: site.drivers.build(data, info, site.days_shown(data, info)[0])
    )
    sources = ("orchestration/alerting/alerts.py", "orchestration/build/insight_frames.py")
    texts = "".join((ROOT / file).read_text("utf-8") for file in sources)
    read["alerts"] = set(re.findall(r"(?:from|join) ((?:marts|quality)\.\w+)", texts))
    models = {file.stem for file in (PROJECT / "models").rglob("*.sql")}
    by_dbt = {
        name: {table.partition(".")[2] for table in tables} & models
        for name, tables in read.items()
    }
    assert told == {name: tables for name, tables in by_dbt.items() if tables}
