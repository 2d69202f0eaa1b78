"""Data tests of dbt, run by the statements that dbt has compiled of them before.

They are the same each time. To render two hundred of them anew costs dbt half of a small shop's
run, to run them takes half a second. They read all rows; where a partial run reads those that it
changed they say so, see `dbt_project/macros/incremental/tested_rows.sql`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from orchestration.build.results import Result
from orchestration.build.warehouse import connect

_PART = re.compile(r"true /\* tested (\{.*?\}) \*/")


def statements(project: Mapping[str, Any], results: Mapping[str, Result]) -> dict[str, str] | None:
    """Test -> what dbt compiled of it; None unless it compiled all that the project has."""
    tests = [name for name in project["nodes"] if name.startswith("test.")]
    found = {
        name: code for name in tests if name in results and (code := results[name].compiled_code)
    }
    return found if len(found) == len(tests) else None


def run_tests(
    project: Mapping[str, Any],
    compiled: Mapping[str, str],
    built: Mapping[str, Result],
    build_file: Path,
) -> Iterator[Result]:
    """Run the tests on a build, and yield their results as dbt words them.

    Args:
        project: has the tests.
        compiled: of `statements`.
        built: node -> its result, of all models and seeds.
        build_file: what was built.
    """
    with connect(build_file) as con:
        changed = _Changed(con)
        for name, sql in compiled.items():
            test = project["nodes"][name]
            read = [one for one in test["depends_on"]["nodes"]
                    if one.startswith(("model.", "seed."))]  # fmt: skip
            status, message, failures, started = "skipped", None, None, monotonic()
            if all(one in built and built[one].status == "success" for one in read):
                try:
                    part = _PART.sub(lambda found: changed.rows(**json.loads(found[1])), sql)
                    status, message, failures = _outcome(con, test, part)
                except duckdb.Error as error:
                    where = f"{test['name']} ({test['original_file_path']})"
                    status, message = "error", f"Runtime Error in test {where}\n  {error}"
            yield Result(name, status, message, failures, monotonic() - started, sql)


class _Changed:
    """What the last dbt run of a build changed, by its own logs (macros/incremental)."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        # Tables it built in part, and the days it logged of them.
        self.days: dict[str, list[str]] = dict(con.execute(_BUILT_IN_PART).fetchall())

    def rows(
        self,
        of: list[str],
        day: str | None = None,
        key: str | None = None,
        last_part: str | None = None,
        around: str = "%s",
    ) -> str:
        """Condition on the rows to test; of tables that were not all built in part on all rows.

        Args:
            of: incremental tables.
            day: SQL of a day, to be one that was logged of any of them.
            key: SQL of a key, likewise; neither of the two: there is nothing to test.
            last_part: SQL of what ends the key, looked at first.
            around: a condition with %s for this one.
        """
        if not self.days.keys() >= set(of):
            return "true"
        found = "false"
        if day and (days := sorted({one for name in of for one in self.days[name]})):
            found = f"{day} in (date '" + "', date '".join(days) + "')"
        elif key:
            keys = _TOUCHED.format("', '".join(of))
            found = f"{key} in (select key from {keys})"
            if last_part:
                ends = f"select split_part(key, '|', -1) from {keys}"
                found = f"({last_part} in ({ends}) and {found})"
        return around.replace("%s", found)


_TOUCHED = (
    "(from incremental.touched where model in ('{}')"
    " and seq = (select max(seq) from incremental.runs))"
)
_BUILT_IN_PART = """
select
    state.model,
    coalesce(list(distinct changes.day::varchar) filter (where changes.day is not null), [])
from incremental.state as state
left join incremental.changes as changes on state.model = changes.model and state.seq = changes.seq
where
    state.seq = (select max(seq) from incremental.runs)
    and not (select bool_or(tests_all) from raw.run)
group by state.model
having count(*) filter (where changes.seq is not null and changes.day is null) = 0
"""


def _outcome(
    con: duckdb.DuckDBPyConnection, test: Mapping[str, Any], sql: str
) -> tuple[str, str | None, int]:
    """Status, message and number of failures, by the rules of dbt."""
    config = test["config"]
    warn_if, error_if = config["warn_if"], config["error_if"]
    count, limit = config["fail_calc"], f"limit {config['limit']}" if config["limit"] else ""
    [(failures, warns, fails)] = con.execute(
        f"select {count}, {count} {warn_if}, {count} {error_if} from (\n{sql}\n{limit}\n) as tested"
    ).fetchall()
    found = f"Got {failures} result{'' if failures == 1 else 's'}, configured to"
    if config["severity"].upper() == "ERROR" and fails:
        return "fail", f"{found} fail if {error_if}", int(failures)
    if warns:
        return "warn", f"{found} warn if {warn_if}", int(failures)
    return "pass", None, 0
