"""Spark understands every statement of the project: analysed over empty tables, not carried out.

Named so as to come first: what Spark cannot read is told before anything is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from orchestration.build import dbt, spark
from tests.support.on_spark import settings, skip_without_spark
from tests.support.raw import write_raw

pytestmark = pytest.mark.spark


@dataclass(frozen=True)
class Analysis:
    """An open session that has looked at all statements.

    Attributes:
        execute: has Spark analyse a query, or carry out a command.
        wrong: node -> what Spark says of it.
        analysed: nodes of which something was asked.
    """

    execute: spark.Execute
    wrong: Mapping[str, str]
    analysed: set[str]


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analysis]:
    """All models and tests, compiled as for a run on Spark."""
    skip_without_spark()
    root = tmp_path_factory.mktemp("analysed")
    configured = settings(root)
    configured.paths.make()
    write_raw(configured.paths.working_build, {})
    folder = spark.folder_of(configured)
    spark._copy_told(configured.paths, folder)
    dbt.prepare_manifest()
    dbt.set_environment(configured)
    arguments = dbt.build_arguments(configured, full=True)[3:]
    with spark._connection(configured, folder) as execute:
        for statement in spark.raw_statements(configured, [], folder):
            execute(statement)
        dbt.invoke(["seed", *arguments], root / "target")
        compiled = dbt.invoke(["compile", *arguments], root / "target")
        nodes = [result.node for result in compiled.values()
                 if result.node.resource_type in ("model", "test")]  # fmt: skip
        wrong = {node.unique_id: told for node in nodes if (told := _wrong(node, execute))}
        yield Analysis(execute, wrong, {node.unique_id for node in nodes})


def _wrong(node: Any, execute: spark.Execute) -> str | None:
    """What is wrong with a statement; of a model an empty view is made, for those that follow."""
    try:
        schema = execute(node.compiled_code).schema
        if node.resource_type == "test":
            return None
        columns = {field.name: field.dataType.simpleString() for field in schema}
        nothing = ", ".join(f"cast(null as {kind}) as `{name}`" for name, kind in columns.items())
        execute(f"create view {node.schema}.{node.name} as select {nothing} where false")
        return _breach(node, schema, execute)
    except Exception as error:  # any that Spark raises is what is asked for
        return " ".join(str(error).split())[:300]


def _breach(node: Any, schema: Any, execute: spark.Execute) -> str | None:
    """What a model gives unlike its contract."""
    if not node.config.contract.enforced:
        return None
    types = {name: column.data_type for name, column in node.columns.items()}
    given = {field.name: field.dataType for field in schema}
    told = execute("select " + ", ".join(f"cast(null as {t}) as `{n}`" for n, t in types.items()))
    wanted = {field.name: field.dataType for field in told.schema}
    other = {name: (kind, given.get(name)) for name, kind in wanted.items()
             if given.get(name) != kind}  # fmt: skip
    return f"not as its contract: {other}" if other or set(given) - set(wanted) else None


def test_spark_reads_every_statement(analysis: Analysis) -> None:
    assert analysis.wrong == {}
    kinds = [name.partition(".")[0] for name in analysis.analysed]
    assert kinds.count("model") > 90 and kinds.count("test") > 200


@dataclass(frozen=True)
class _Node:
    """A model with a contract of one column, as dbt compiles it."""

    compiled_code: str
    columns: Mapping[str, Any]
    config: Any
    resource_type: str = "model"
    schema: str = "marts"
    name: str = "hand_made"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("select cast(business_date as varchar) as a from marts.fct_orders", "DATATYPE_MISSING"),
        ("select strftime(business_date, '%Y') as a from marts.fct_orders", "strftime"),
        ("select no_column as a from marts.fct_orders", "no_column"),
        ("select string_agg(order_id, ',' order by order_id) as a from marts.fct_orders", "PARSE"),
        ("select count(*) as a from marts.fct_orders", "not as its contract"),
        ("select order_id as a, 1 as b from marts.fct_orders", "not as its contract"),
    ],
)
def test_what_spark_cannot_read_is_named(analysis: Analysis, code: str, told: str) -> None:
    class Column:
        data_type = "string"

    class Config:
        class contract:  # noqa: N801 - as dbt names it
            enforced = True

    node = _Node(code, {"a": Column}, Config)
    analysis.execute("drop view if exists marts.hand_made")
    assert told in (_wrong(node, analysis.execute) or "nothing")
