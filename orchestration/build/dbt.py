"""dbt as seen from here: the prepared manifest, the arguments of a build, its results as checks."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO

import polars as pl

from orchestration.build import data_tests, kept_builds, results
from orchestration.config.costs import cost_variables
from orchestration.config.settings import DBT_PROJECT_DIR, Paths, Settings
from orchestration.errors import KpiError, without_values

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

_TARGET = DBT_PROJECT_DIR / "target"
MANIFEST = _TARGET / "manifest.json"
_DIGEST = _TARGET / "manifest.sha256"
# What dbt keeps of a parse, which is that of every shop.
_PARSED = _TARGET / "parsed"
_PARTIAL = "partial_parse.msgpack"
# Beside it, of each set of variables, what dbt has compiled of all tests, and sent of a build in
# full and in part.
_TESTS, _FULL, _PART = ".tests.json", ".full.json", ".part.json"
_KEPT = 48

CHECKS_SCHEMA = {
    "check_name": pl.String, "layer": pl.String, "subject": pl.String, "severity": pl.String,
    "status": pl.String, "observed": pl.String, "message": pl.String, "checked_run": pl.String,
}  # fmt: skip


def prepare_manifest() -> Path:
    """The manifest of the project as it stands; parsed again only when a file of it changed.

    Raises:
        KpiError: the project does not parse; names dbt's own message.
    """
    _parsed(Path(os.environ.get("KPI_BUILD_FILE", Paths(Path()).working_build)))
    return MANIFEST


def manifest() -> dict[str, Any]:
    """What dbt knows of the project: models, columns, their descriptions and meta."""
    return _manifest_of(MANIFEST.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _manifest_of(written: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(MANIFEST.read_text("utf-8"))
    return found


def parsed(build_file: Path, target: str = "duckdb") -> Manifest:
    """The project as dbt has parsed it for a build file, by the output of profiles.yml.

    dbt itself parses all again for every other place of the build file and for other `--vars`.
    Nothing that it parses depends on more of the one than the file's name, and nothing on the
    others: they stand in what is rendered when a statement is sent, never in a config or around a
    ref. So a parse is known here by what it depends on.

    Raises:
        KpiError: the project does not parse.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    kept = _parsed(build_file, target)
    project: Manifest = Manifest.from_msgpack(kept, decoder=extended_mashumuro_decoder)
    project.build_flat_graph()  # type: ignore[no-untyped-call]
    return project


def _parsed(build_file: Path, target: str = "duckdb") -> bytes:
    """What dbt keeps of a parse. Of several shops in one checkout only one parses at a time."""
    project = _project_digest()
    kept = _kept(project, build_file, target).with_suffix(".msgpack")
    _PARSED.mkdir(parents=True, exist_ok=True)
    with _DIGEST.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_told = MANIFEST.exists() and _DIGEST.exists() and _DIGEST.read_text("ascii") == project
        if not (kept.exists() and (is_told or target != "duckdb")):
            _parse(target, kept)
        return kept.read_bytes()


def _kept(project: str, build_file: Path, *inputs: str) -> Path:
    """The place, without a suffix, of what depends on these inputs alone."""
    told = json.dumps([project, build_file.stem, *inputs])
    return _PARSED / hashlib.sha256(told.encode()).hexdigest()


def _project_digest() -> str:
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-duckdb')}".encode())
    for path in sorted(DBT_PROJECT_DIR.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and "target" not in path.parts:
            digest.update(path.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _parse(output: str, kept: Path) -> None:
    from dbt.cli.main import dbtRunner

    others = sorted(_PARSED.glob("*.msgpack"), key=_changed)
    with TemporaryDirectory(dir=_TARGET) as folder:
        target = Path(folder)
        if others:  # dbt parses only what changed since, if it can
            shutil.copyfile(others[-1], target / _PARTIAL)
        given = ["--quiet", "parse", *_places(target), "--target", output]
        result = dbtRunner().invoke(given)
        if not result.success:
            raise KpiError(
                f"dbt cannot parse the project: {result.exception}",
                str(DBT_PROJECT_DIR),
                "Mend the model or yml it names.",
            )
        # From one moment to the next: another shop may be reading.
        if output == "duckdb":  # another engine's manifest has its own kinds of tables
            (target / MANIFEST.name).replace(MANIFEST)
            _DIGEST.write_text(_project_digest(), "ascii")
        (target / _PARTIAL).replace(kept)
    for suffix in (".msgpack", _TESTS, _FULL, _PART):
        for file in sorted(_PARSED.glob(f"*{suffix}"), key=_changed)[:-_KEPT]:
            file.unlink(missing_ok=True)


def _changed(file: Path) -> float:
    return file.stat().st_mtime


def _places(target: Path) -> list[str]:
    places = {"project-dir": DBT_PROJECT_DIR, "profiles-dir": DBT_PROJECT_DIR,
              "target-path": target, "log-path": target}  # fmt: skip
    return [f"--{name}={place}" for name, place in places.items()]


def build_arguments(settings: Settings, *, full: bool) -> list[str]:
    """Arguments of the `dbt build` of a run; unit tests belong to `make test`, not to a morning."""
    arguments = [
        *("build", "--exclude-resource-type", "unit_test"),
        *("--target", settings.file.build.target),
        *variables(settings),
    ]
    return [*arguments, "--full-refresh"] if full else arguments


# dbt's own loggers word every event, most of which are of level debug and written nowhere.
SILENT = ("--log-level=none", "--log-level-file=none", "--no-write-json")


def invoke(arguments: list[str], target: Path) -> Mapping[str, results.Result]:
    """Run dbt in this process: a process of its own imports and parses for seconds what is there.

    Args:
        arguments: as `build_arguments` gives them.
        target: folder of what dbt writes; its log is there too.

    Returns:
        Node -> its result.

    Raises:
        KpiError: dbt could not begin.
    """
    target.mkdir(parents=True, exist_ok=True)
    given, build_file = dict(pairwise(arguments)), Path(os.environ["KPI_BUILD_FILE"])
    output = given.get("--target", "duckdb")
    prepare_manifest()
    of_project = _kept(_project_digest(), build_file, output)
    kept = _kept(of_project.name, build_file, given.get("--vars", ""))
    tests, full, part = (
        _PARSED / f"{of_project.name}.{kept.name}{suffix}" for suffix in (_TESTS, _FULL, _PART)
    )
    is_ours = output == "duckdb"  # on another engine dbt sends all itself
    is_full = is_ours and "--full-refresh" in arguments
    is_known = is_full or (is_ours and kept_builds.is_partial(manifest(), build_file))
    sends = full if is_full else part
    if is_full and not full.exists():
        _adapt(given.get("--vars", "{}"), build_file, target, of_project, (tests, full))
    compiled = json.loads(tests.read_text("utf-8")) if is_ours and tests.exists() else None
    found = None
    if is_known and compiled and sends.exists():
        found = kept_builds.repeat(sends, build_file)
    if found is None:
        left_out = ("--exclude-resource-type", "test") if compiled else ()
        sent = kept_builds.Statements()
        found = _run([*arguments, *left_out], parsed(build_file, output), target, sent)
        if is_known and (every := sent.of_all(manifest(), found)):
            _keep(every, sends)
    if not found:
        return {}
    by_node = {result.unique_id: result for result in found}
    if compiled:
        tested = data_tests.run_tests(manifest(), compiled, by_node, build_file)
        by_node |= {result.unique_id: result for result in tested}
    elif is_ours and (statements := data_tests.statements(manifest(), by_node)):
        _keep(statements, tests)
    results.write(by_node.values(), target / "run_results.json")
    return by_node


def _adapt(
    variables: str, build_file: Path, target: Path, of_project: Path, kept: tuple[Path, Path]
) -> None:  # fmt: skip
    """Make of what dbt sent with other variables what it would send with these."""
    others = [(file.with_name(file.name.removesuffix(_FULL) + _TESTS), file)
              for file in _PARSED.glob(f"{of_project.name}.*{_FULL}")]  # fmt: skip
    other = next((pair for pair in others if pair[0].exists()), None)
    if other is None:
        return
    tests, sent = (json.loads(file.read_text("utf-8")) for file in other)
    project = manifest()
    names = [project["nodes"][name]["name"] for name in kept_builds.reading_variables(project)]
    command = ["compile", "--full-refresh", "--vars", variables,
               "--indirect-selection", "empty", "--select", *names]  # fmt: skip
    found = _run(command, parsed(build_file), target, kept_builds.Statements())
    compiled = {one.unique_id: one.compiled_code or "" for one in found}
    if len(compiled) == len(names) and (adapted := kept_builds.with_variables(sent, compiled)):
        _keep({name: compiled.get(name, sql) for name, sql in tests.items()}, kept[0])
        _keep(adapted, kept[1])


def _keep(found: object, file: Path) -> None:
    """Write a file that others may be reading."""
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(found), "utf-8")
    draft.replace(file)


def _run(
    arguments: list[str], project: Manifest, target: Path, sent: kept_builds.Statements
) -> list[results.Result]:
    """The results of dbt, as `invoke` tells of it; what it sends is noted."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    with (target / "dbt.log").open("w", encoding="utf-8") as log:
        try:
            runner = dbtRunner(project, callbacks=[partial(_write_event, log), sent.note])
            done = runner.invoke([*SILENT, *arguments, *_places(target)])
        finally:
            # dbt keeps its connection; no other of this process could open the file.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    if done.exception is not None:
        if not isinstance(done.exception, Exception):  # the run was interrupted
            raise done.exception
        said = without_values(str(done.exception))
        raise KpiError(f"dbt cannot build: {said}", str(target / "dbt.log"))
    told: Any = done.result
    return [results.of_dbt(one) for one in told or ()]


def _write_event(log: TextIO, event: Any) -> None:
    if event.info.level != "debug":
        told = f"{datetime.now(UTC):%H:%M:%S.%f} [{event.info.level}] {event.info.msg}\n"
        log.write(told)


def variables(settings: Settings) -> list[str]:
    """The `--vars` of every dbt call of a shop."""
    values = {
        "reporting_timezone": settings.shop.timezone,
        "reporting_currency": settings.shop.currency,
        "week_start": settings.shop.week_start,
        **settings.file.metrics.variables(),
        **settings.file.channels.variables(),
        **settings.file.footprint.variables(),
        **cost_variables(settings.file.costs),
    }
    return ["--vars", json.dumps(values)]


def set_environment(settings: Settings) -> None:
    """Tell the dbt profile which file to build, where, and with how much of what."""
    os.environ["KPI_BUILD_FILE"] = str(settings.paths.working_build)
    build = settings.file.build
    for name, limit in build.limits(settings.paths.data).items():
        os.environ[f"KPI_{name.upper()}"] = str(limit)
    host, _, port = (build.spark.thrift or "none:10000").partition(":")
    os.environ["KPI_SPARK_METHOD"] = "thrift" if build.spark.thrift else "session"
    os.environ |= {"KPI_SPARK_HOST": host, "KPI_SPARK_PORT": port}


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
