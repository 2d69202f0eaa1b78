"""dbt as seen from here: the prepared manifest, the arguments of a build, its results as checks."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.config.settings import DBT_PROJECT_DIR, Settings, load
from orchestration.errors import KpiError, without_values

MANIFEST = DBT_PROJECT_DIR / "target" / "manifest.json"
_PARSED = DBT_PROJECT_DIR / "target" / "parsed.sha256"
_PARTIAL = "partial_parse.msgpack"

CHECKS_SCHEMA = {
    "check_name": pl.String, "layer": pl.String, "subject": pl.String, "severity": pl.String,
    "status": pl.String, "observed": pl.String, "message": pl.String, "checked_run": pl.String,
}  # fmt: skip


def prepare_manifest() -> Path:
    """The manifest of the project as it stands; parsed again only when a file of it changed.

    Two shops may run from one checkout at the same time, so only one of them parses it.

    Raises:
        KpiError: the project does not parse; names dbt's own message.
    """
    MANIFEST.parent.mkdir(exist_ok=True)
    with _PARSED.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _parse_if_changed()
    return MANIFEST


def manifest() -> dict[str, Any]:
    """What dbt knows of the project: models, columns, their descriptions and meta."""
    found: dict[str, Any] = json.loads(MANIFEST.read_text("utf-8"))
    return found


def _parse_if_changed() -> None:
    digest = hashlib.sha256()
    for path in sorted(DBT_PROJECT_DIR.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and "target" not in path.parts:
            digest.update(path.as_posix().encode() + path.read_bytes())
    if MANIFEST.exists() and _PARSED.exists() and _PARSED.read_text("ascii") == digest.hexdigest():
        return
    from dbt.cli.main import dbtRunner

    arguments = [
        *("--quiet", "parse"),
        *("--project-dir", str(DBT_PROJECT_DIR)),
        *("--profiles-dir", str(DBT_PROJECT_DIR)),
        *_variables(),
    ]
    result = dbtRunner().invoke(arguments)
    if not result.success:
        raise KpiError(
            f"dbt cannot parse the project: {result.exception}",
            str(DBT_PROJECT_DIR),
            "Mend the model or yml it names.",
        )
    _PARSED.write_text(digest.hexdigest(), "ascii")


def build_arguments(settings: Settings, *, full: bool) -> list[str]:
    """Arguments of the `dbt build` of a run; unit tests belong to `make test`, not to a morning."""
    arguments = ["build", "--exclude-resource-type", "unit_test", *variables(settings)]
    return [*arguments, "--full-refresh"] if full else arguments


def invoke(arguments: list[str], target: Path) -> Mapping[str, Any]:
    """Run dbt in this process: a process of its own imports and parses for seconds what is there.

    Args:
        arguments: as `build_arguments` gives them.
        target: folder of what dbt writes; its log is there too.

    Returns:
        Node -> its result.

    Raises:
        KpiError: dbt could not begin.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target.mkdir(parents=True, exist_ok=True)
    if (parsed := MANIFEST.with_name(_PARTIAL)).exists():
        shutil.copyfile(parsed, target / _PARTIAL)
    places = {"project-dir": DBT_PROJECT_DIR, "profiles-dir": DBT_PROJECT_DIR,
              "target-path": target, "log-path": target}  # fmt: skip
    told = [f"--{name}={place}" for name, place in places.items()]
    try:
        # At level debug every statement is written twice, which costs a small shop a third.
        done = dbtRunner().invoke(["--quiet", "--log-level-file=info", *arguments, *told])
    finally:
        # dbt keeps its connection; no other of this process could open the file.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if done.exception is not None:
        if not isinstance(done.exception, Exception):  # the run was interrupted
            raise done.exception
        said = without_values(str(done.exception))
        raise KpiError(f"dbt cannot build: {said}", str(target / "dbt.log"))
    results: Any = done.result or ()
    return {result.node.unique_id: result for result in results}


def variables(settings: Settings) -> list[str]:
    """The `--vars` of every dbt call: the same each time, or dbt would parse all again."""
    values = {
        "reporting_timezone": settings.shop.timezone,
        "reporting_currency": settings.shop.currency,
        "week_start": settings.shop.week_start,
        **settings.file.metrics.variables(),
        **settings.file.channels.variables(),
    }
    return ["--vars", json.dumps(values)]


def _variables() -> list[str]:
    """The variables of this data folder, none if it has no valid shop.yml yet."""
    try:
        settings = load()
    except KpiError:
        return []
    set_environment(settings)
    return variables(settings)


def set_environment(settings: Settings) -> None:
    """Tell the dbt profile which file to build, and how much of the machine it may take."""
    os.environ["KPI_BUILD_FILE"] = str(settings.paths.working_build)
    for name, limit in settings.file.build.limits(settings.paths.data).items():
        os.environ[f"KPI_{name.upper()}"] = str(limit)


def comments(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Descriptions of all models and seeds: "schema.table[.column]" -> text."""
    found: dict[str, str] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] not in {"model", "seed"}:
            continue
        table = f"{node['schema']}.{node['name']}"
        found[table] = node.get("description", "")
        for column in node["columns"].values():
            found[f"{table}.{column['name']}"] = column.get("description", "")
    return found


def day_logs(manifest: Mapping[str, Any]) -> dict[str, tuple[list[str], str]]:
    """Published tables whose changed days are logged: "schema.table" -> (whose logs, its day)."""
    models = {node["name"]: node for node in manifest["nodes"].values()
              if node["resource_type"] == "model"}  # fmt: skip
    found = {}
    for name, node in models.items():
        meta = node["config"]["meta"]
        logs = meta.get("rows_of", [name])  # a view has the rows, and the logs, of others
        rules = [models[log]["config"]["meta"].get("replace") for log in logs]
        if node["schema"] == "marts" and all(rule and rule["day"] for rule in rules):
            found[f"marts.{name}"] = (logs, rules[0]["day"])
    return found


def metrics(manifest: Mapping[str, Any]) -> pl.DataFrame:
    """The metric registry: one row per metric, from `meta.metric` of the columns that carry it.

    Returns:
        Frame (name, label_en, label_zh, unit, additivity, good_direction, owner, definition_en,
        definition_zh, numerator, denominator); the last two are columns of the metric's own
        table, whose sums give the metric at any grain, null where it is no ratio.
    """
    rows = {}
    for node in manifest["nodes"].values():
        for column in node.get("columns", {}).values():
            if entry := column.get("config", {}).get("meta", {}).get("metric"):
                rows[column["name"]] = _metric_row(column["name"], entry)
    return pl.DataFrame([rows[name] for name in sorted(rows)], schema=_METRICS)


_METRICS = dict.fromkeys(
    ("name", "label_en", "label_zh", "unit", "additivity", "good_direction", "owner",
     "definition_en", "definition_zh", "numerator", "denominator"), pl.String,
)  # fmt: skip


def registry() -> pl.DataFrame:
    """The metric registry of the project as it was last parsed, as `metrics` gives it."""
    return metrics(manifest())


def _metric_row(name: str, entry: Mapping[str, Any]) -> dict[str, str | None]:
    """The entry without depth: of a text in two languages two columns."""
    flat = {"numerator": None, "denominator": None, "name": name, **entry}
    for key in ("label", "definition"):
        flat |= {f"{key}_{lang}": told for lang, told in entry[key].items()}
    return {column: flat[column] for column in _METRICS}


def test_results(run_results: Path, run_id: str) -> pl.DataFrame:
    """The tests of a dbt run as rows of `quality.checks`."""
    if not run_results.exists():
        return pl.DataFrame(schema=CHECKS_SCHEMA)
    rows = []
    for result in json.loads(run_results.read_text("utf-8"))["results"]:
        kind, _, name = result["unique_id"].partition(".")
        if kind != "test":
            continue
        status = result["status"]
        rows.append(
            {
                "check_name": name.split(".")[1],
                "layer": "dbt",
                "subject": name.split(".")[1],
                "severity": "warn" if status == "warn" else "error",
                "status": {"pass": "passed", "skipped": "not_run"}.get(status, "failed"),
                "observed": str(result.get("failures") or 0),
                "message": without_values(result.get("message") or ""),
                "checked_run": run_id,
            }
        )
    return pl.DataFrame(rows, schema=CHECKS_SCHEMA)


if __name__ == "__main__":
    prepare_manifest()
