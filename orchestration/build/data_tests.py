"""Data tests of dbt, run by the statements that dbt has compiled of them before.

On a full build a test reads all rows, by a statement that is the same each time. To render two
hundred of them anew costs dbt half of a small shop's run, to run them takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.build.warehouse import connect

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


def statements(project: Manifest, results: Mapping[str, Any]) -> dict[str, str] | None:
    """Test -> what dbt compiled of it; None unless it compiled all that the project has."""
    found = {
        name: str(results[name].node.compiled_code)
        for name in project.nodes
        if name.startswith("test.") and name in results and results[name].node.compiled_code
    }
    tests = [name for name in project.nodes if name.startswith("test.")]
    return found if len(found) == len(tests) else None


def run_tests(
    project: Manifest, compiled: Mapping[str, str], built: Mapping[str, Any], build_file: Path
) -> Iterator[Any]:
    """Run the tests on a build, and yield their results as dbt words them.

    Args:
        project: has the tests.
        compiled: of `statements`.
        built: node -> its result, of all models and seeds.
        build_file: what was built.
    """
    from dbt.artifacts.schemas.results import TestStatus
    from dbt.artifacts.schemas.run import RunResult

    with connect(build_file) as con:
        for name, sql in compiled.items():
            test: Any = project.nodes[name]
            read = [one for one in test.depends_on.nodes if one.startswith(("model.", "seed."))]
            status: Any = TestStatus.Skipped
            message, failures, started = None, None, monotonic()
            if all(one in built and built[one].status == "success" for one in read):
                try:
                    status, message, failures = _outcome(con, test, sql)
                except duckdb.Error as error:
                    where = f"{test.name} ({test.original_file_path})"
                    status, message = TestStatus.Error, f"Runtime Error in test {where}\n  {error}"
            result = RunResult.from_node(test, status, message)
            result.failures, result.execution_time = failures, monotonic() - started
            yield result


def _outcome(con: duckdb.DuckDBPyConnection, test: Any, sql: str) -> tuple[Any, str | None, int]:
    """Status, message and number of failures, by the rules of dbt."""
    from dbt.artifacts.schemas.results import TestStatus

    config = test.config
    count, limit = config.fail_calc, f"limit {config.limit}" if config.limit else ""
    [(failures, warns, fails)] = con.execute(
        f"select {count}, {count} {config.warn_if}, {count} {config.error_if}"
        f" from (\n{sql}\n{limit}\n) as tested"
    ).fetchall()
    found = f"Got {failures} result{'' if failures == 1 else 's'}, configured to"
    if config.severity.upper() == "ERROR" and fails:
        return TestStatus.Fail, f"{found} fail if {config.error_if}", int(failures)
    if warns:
        return TestStatus.Warn, f"{found} warn if {config.warn_if}", int(failures)
    return TestStatus.Pass, None, 0
