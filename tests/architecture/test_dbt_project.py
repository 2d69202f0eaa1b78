"""The dbt project as it is parsed: layers, names, types, descriptions, tests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.contracts.graph.manifest import Manifest

from orchestration.build.dbt import parsed
from tests.support.raw import PROJECT, parse, run_dbt

LAYERS = ["raw", "staging", "intermediate", "marts", "quality"]
BELOW = {
    "staging": {"raw", "staging"},
    "intermediate": {"raw", "staging", "intermediate"},
    "marts": {"staging", "intermediate", "marts"},
    "quality": {"raw", "staging", "intermediate", "marts", "quality"},
}
# Terms of the field that carry no suffix: what they are is known, see METRICS.
COUNTS = {
    "visitors", "buyers", "tracked_buyers", "untracked_buyers", "orders", "identified_orders",
    "anonymous_orders", "units", "new_buyers", "impressions", "clicks", "quantity",
}  # fmt: skip
MONEY = {"gmv", "net_sales", "net_sales_by_order_date", "cost"}
RATIOS = {"aov", "gmv_per_buyer", "orders_per_buyer", "unit_price"}
DECOMPOSED = {"fct_gmv_change", "fct_review_changes"}  # all DOUBLE, never rounded
TYPES = {
    "_at": {"timestamp"},
    "_date": {"date"},
    "_amount": {"decimal(18,2)"},
    "_count": {"bigint", "integer"},
    "_rate": {"double"},
    "_effect": {"double"},
    "_id": {"string"},
    "_key": {"string"},
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    result = run_dbt(PROJECT, tmp_path_factory.mktemp("parse") / "working.duckdb", "parse")
    assert isinstance(result.result, Manifest)
    return result.result


@pytest.fixture(scope="module")
def tables(manifest: Manifest) -> dict[str, Any]:
    return {
        node.unique_id: node for node in manifest.nodes.values() if node.resource_type == "model"
    }


def sources() -> list[Path]:
    """All SQL of the project as it is written."""
    return [
        file for part in ("models", "macros", "tests") for file in (PROJECT / part).rglob("*.sql")
    ]


def layer(node: Any) -> str:
    return str(node.path).split("/")[0]


def contracted(tables: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (node.name, name, str(column.data_type).replace(" ", "").lower())
        for node in tables.values()
        if layer(node) == "marts"
        for name, column in node.columns.items()
    ]


def told(manifest: Manifest) -> dict[str, Any]:
    """What dbt knows of every node, without when it was learned."""

    def without_times(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: without_times(of) for name, of in value.items() if name != "created_at"}
        return [without_times(one) for one in value] if isinstance(value, list) else value

    kinds = ("nodes", "sources", "macros", "unit_tests", "exposures")
    whole = manifest.to_dict()
    return {name: without_times(one) for kind in kinds for name, one in (whole[kind] or {}).items()}


def test_nothing_that_is_parsed_depends_on_a_var(tmp_path: Path) -> None:
    # One parse serves every shop, whatever its shop.yml says.
    given = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))["vars"]
    kinds: dict[type, Any] = {int: 2, float: 0.25, list: [["a", "b", 1]], str: "other",
                              type(None): 7}  # fmt: skip
    others = {name: kinds[type(value)] for name, value in given.items()}
    assert all(others[name] != value for name, value in given.items())
    again = told(
        parse(
            [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}", f"--target-path={tmp_path}",
             f"--log-path={tmp_path}", "--vars", json.dumps(others)]
        )
    )  # fmt: skip
    ours = told(parsed(tmp_path / "working.duckdb"))
    assert again.keys() == ours.keys()
    assert {name for name, one in ours.items() if again[name] != one} == set()


def test_every_table_lies_in_a_layer_that_is_its_schema(tables: dict[str, Any]) -> None:
    assert tables
    for node in tables.values():
        assert layer(node) in LAYERS
        assert node.schema == layer(node), node.name


def test_layers_only_look_downwards(manifest: Manifest, tables: dict[str, Any]) -> None:
    wrong = []
    for node in tables.values():
        for upstream in node.depends_on.nodes:
            if upstream in manifest.sources:
                other = "raw"
            elif upstream in tables:
                other = layer(tables[upstream])
            else:
                continue  # seeds are constants, open to every layer
            if other not in BELOW[layer(node)]:
                wrong.append(f"{node.name} ({layer(node)}) reads {upstream} ({other})")
    assert wrong == []


def test_the_only_source_is_raw(manifest: Manifest) -> None:
    """SQL never reads what statistical models write, nor any file."""
    assert {source.schema for source in manifest.sources.values()} == {"raw"}
    for node in manifest.nodes.values():
        code = getattr(node, "raw_code", "") or ""
        assert "insights." not in code, node.unique_id
        assert "read_parquet" not in code, node.unique_id
        assert "read_csv" not in code, node.unique_id


def test_every_table_and_column_is_described(tables: dict[str, Any]) -> None:
    for node in tables.values():
        assert re.match(r"One row (per|for)\b", node.description), node.name
        assert node.columns, node.name
        for column in node.columns.values():
            assert column.description, f"{node.name}.{column.name}"


def test_one_yml_beside_each_sql(tables: dict[str, Any]) -> None:
    for node in tables.values():
        beside = Path(node.original_file_path).with_suffix(".yml")
        assert str(node.patch_path).endswith(str(beside)), node.name


def test_marts_are_public_contracts(tables: dict[str, Any]) -> None:
    for node in tables.values():
        if layer(node) == "marts":
            assert node.config.contract.enforced, node.name
            assert node.config.access == "public" or node.access == "public", node.name
            assert node.config.group == "marts", node.name


def test_names_say_the_type(tables: dict[str, Any]) -> None:
    wrong = []
    for table, column, data_type in contracted(tables):
        ratio_table = table in DECOMPOSED
        for suffix, allowed in TYPES.items():
            if column in MONEY:
                continue
            if column.endswith(suffix) and data_type not in allowed | (
                {"double"} if ratio_table else set()
            ):
                wrong.append(f"{table}.{column}: {data_type}")
        if column.startswith(("is_", "has_")) != (data_type == "boolean"):
            wrong.append(f"{table}.{column}: {data_type}")
        if not ratio_table:
            if column in COUNTS and data_type != "bigint":
                wrong.append(f"{table}.{column}: {data_type}")
            if column in MONEY and not data_type.startswith("decimal(18,"):
                wrong.append(f"{table}.{column}: {data_type}")
        if column in RATIOS and data_type != "double":
            wrong.append(f"{table}.{column}: {data_type}")
    assert wrong == []


def test_same_name_same_type(tables: dict[str, Any]) -> None:
    types: dict[str, set[str]] = {}
    for table, column, data_type in contracted(tables):
        if table not in DECOMPOSED:
            types.setdefault(column, set()).add(data_type)
    assert {name: found for name, found in types.items() if len(found) > 1} == {}


def test_every_fact_has_grain_and_unit_tests(manifest: Manifest, tables: dict[str, Any]) -> None:
    grains = {
        node.attached_node
        for node in manifest.nodes.values()
        if node.resource_type == "test"
        and getattr(node, "test_metadata", None) is not None
        and node.test_metadata.name in ("unique_grain", "unique")
    }
    units = {
        upstream
        for unit in manifest.unit_tests.values()
        for upstream in unit.depends_on.nodes
        if upstream.endswith(f".{unit.model}")
    }
    for unique_id, node in tables.items():
        if layer(node) == "marts":
            assert unique_id in grains, f"{node.name} has no test of its grain"
            if node.name.startswith("fct_"):
                assert unique_id in units, f"{node.name} has no unit test"


def test_every_ratio_of_the_registry_names_its_numerator_and_denominator(
    tables: dict[str, Any],
) -> None:
    found = 0
    for node in tables.values():
        for column in node.columns.values():
            metric = column.config.meta.get("metric", {})
            if isinstance(metric, str):
                continue
            parts = {metric.get("numerator"), metric.get("denominator")} - {None}
            assert parts <= set(node.columns), f"{node.name}.{column.name}"
            assert (len(parts) == 2) == (metric.get("additivity") == "ratio"), column.name
            found += bool(parts)
    assert found >= 10


def test_a_metric_is_defined_once_and_whole(tables: dict[str, Any]) -> None:
    """Other columns that are the same figure name it: `metric: gmv`."""
    entries = [
        (f"{node.name}.{column.name}", column.name, column.config.meta["metric"])
        for node in tables.values()
        for column in node.columns.values()
        if "metric" in column.config.meta
    ]
    defined = [name for _, name, entry in entries if isinstance(entry, dict)]
    assert len(defined) > 30 and len(set(defined)) == len(defined), sorted(defined)
    words = {"label", "definition", "unit", "additivity", "good_direction", "owner", "feeds"}
    more = {"numerator", "denominator", "whole", "needs"}
    for place, name, entry in entries:
        if isinstance(entry, str):
            assert entry == name and name in defined, place
            continue
        assert words <= entry.keys() <= words | more, place
        assert all(entry[key].keys() == {"en", "zh"} for key in ("label", "definition")), place
        assert all(said.strip() for key in ("label", "definition") for said in entry[key].values())
        assert entry["additivity"] in ("additive", "non_additive", "ratio"), place
        assert entry["good_direction"] in ("up", "down", "neutral"), place
        assert entry["owner"] and entry["unit"], place


def test_every_reference_is_written_out() -> None:
    """Who searches for a table finds its readers: no name is put together."""
    references = [
        (file.name, told)
        for file in sources()
        for told in re.findall(r"\bref\((.*?)\)", file.read_text("utf-8"))
    ]
    assert len(references) > 150
    assert [each for each in references if not re.fullmatch(r"'\w+'", each[1])] == []


def test_engines_differ_in_dispatched_macros_alone() -> None:
    portable = PROJECT / "macros" / "portable"
    dispatched: set[str] = set()
    for file in sources():
        code = file.read_text("utf-8")
        assert not re.search(r"\b(target|adapter)\.type\b", code), file
        if file.parent == portable:
            dispatched |= set(re.findall(r"adapter\.dispatch\('(\w+)'\)", code))
        else:
            assert "adapter.dispatch" not in code and not re.search(r"(duckdb|spark)__", code), file
    forms = {
        engine: set(re.findall(rf"macro {engine}__(\w+)\(", "".join(
            file.read_text("utf-8") for file in portable.glob("*.sql")
        )))
        for engine in ("duckdb", "spark")
    }  # fmt: skip
    by_dbt = {"load_csv_rows"}  # which has a form of its own for DuckDB
    assert dispatched and forms == {"duckdb": dispatched, "spark": dispatched | by_dbt}


def test_an_incremental_table_comes_after_what_makes_its_rows_stale(
    tables: dict[str, Any],
) -> None:
    """What `affected` names is no reference by itself: the SQL reads it, or what is made of it."""

    def above(node: Any) -> set[str]:
        nearest = [tables[name] for name in node.depends_on.nodes if name in tables]
        return {other.name for other in nearest}.union(*map(above, nearest))

    def hopped(rule: Any) -> set[str]:
        parts = rule if isinstance(rule, list) else []
        if len(parts) == 3 and all(isinstance(part, str) for part in parts):
            return {parts[0]}
        return set().union(*map(hopped, parts))

    rules = [node for node in tables.values() if "replace" in node.config.meta]
    assert len(rules) > 10
    assert hopped(["key", [["a", "b", "c"]], [["d", "e", "f"], ["g", "h", "i"]]]) == {*"adg"}
    for node in rules:
        affected = node.config.meta["replace"]["affected"]
        hops = {name for rule in affected.values() for name in hopped(rule)}
        assert {*affected, *hops} <= above(node), node.name


def test_a_table_is_named_in_full_wherever_it_is_read() -> None:
    """So that a search for its name finds all of its readers."""
    for part in ("models", "tests"):
        for file in (PROJECT / part).rglob("*.sql"):
            assert not re.search(r"ref\((?!'\w+'\))", file.read_text("utf-8")), file
