"""One run as a transaction: what each step does, between taking the lock and moving the pointers.

Dagster decides when a step runs and records it (`defs/`); this module decides what it means. Steps
in order: ingest, build, insights, audit, publish, site, alerts. Until `publish` nothing that
readers see has moved, and whatever ends the run before it leaves the last generation serving.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import polars as pl

from ingestion.reading import apart
from orchestration.build import dbt, spark, warehouse
from orchestration.build.audit import Recounted
from orchestration.build.integrity import is_as_published, own_copy
from orchestration.build.raw import CLOSED_MONTHS, create_raw
from orchestration.config.settings import Paths, Settings
from orchestration.errors import ExitCode, KpiError, attempt, words_of
from orchestration.ledger.inbox import land_new_files, state_of
from orchestration.ledger.manifests import missing_files
from orchestration.ledger.retention import apply_retention, drop_old_files
from orchestration.ledger.state import State
from orchestration.trouble import named

if TYPE_CHECKING:
    from ingestion.landing.manifest import Announced

# One logger for what a person should read: the command line prints it, Dagster shows it.
log = logging.getLogger("kpi")
_WEEK = timedelta(days=7)
# From one run to the next: as much of a step back is no drift, as much of a jump may be a mistake.
_STEP, _JUMP = timedelta(hours=1), timedelta(days=40)
# Key of the state: the generation that a person chose and that is kept.
PINNED = "pinned_generation"
# Whether files of events bring one that is built already, or such as count by their batch.
_MEETS_EVENTS = """
    with landed as (from raw.events where batch in ({batches}))
    select exists (from landed where _unit_key <> _row_key or _covers_from is not null)
        or exists (
            from before.staging.stg_raw__events
            where (source, event_id) in (select source, _row_key from landed)
        )
"""


class Run:
    """A run under way. Made by `open_run`, which holds the lock around it.

    Attributes:
        settings: what the shop configured.
        run_id: names the generation; sorts by start.
        job_id: what the job calls this run, in messages; by default the same.
        state: ledger and other underivable state.
        as_of: the last day that should be there: yesterday in the reporting zone by default.
    """

    def __init__(
        self, settings: Settings, run_id: str, job_id: str, *, as_of: date | None, full: bool
    ) -> None:
        self.settings = settings
        self.paths = settings.paths
        self.run_id = run_id
        self.job_id = job_id
        self.state = State(settings.paths.state)
        self.as_of = as_of or datetime.now(settings.zone).date() - timedelta(days=1)
        self.forced_full = full
        self.failure: tuple[str, BaseException] | None = None
        self.checks: list[pl.DataFrame] = []
        self._inbox_read = ""

    @property
    def until(self) -> datetime:
        """The last instant, UTC, that a row can be of: the end of the day under way."""
        zone = self.settings.zone
        under_way = max(self.as_of + timedelta(days=1), datetime.now(zone).date())
        midnight = datetime.combine(under_way + timedelta(days=1), time(), tzinfo=zone)
        return midnight.astimezone(UTC).replace(tzinfo=None) - timedelta.resolution

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Say that a step begins and how long it took; remember which one failed."""
        log.info("%s ...", name)
        started = monotonic()
        try:
            yield
        except GeneratorExit:  # Dagster closes a step's generator without a failure
            raise
        except BaseException as error:
            known = attempt(partial(named, error, self.settings))
            self.failure = (name, known or error)
            if known is None or known is error:
                raise
            raise known from error
        log.info("%s done in %.1f s", name, monotonic() - started)

    # ingest ---------------------------------------------------------------------------------

    def land(self) -> dict[str, int]:
        """Land every new file of the inbox; counts as `land_new_files` gives them."""
        self._inbox_read = self._inbox
        counts = land_new_files(self.settings, self.state, self.until)
        apart.end()  # their memory is the build's now
        if counts["files_waiting"]:
            self._inbox_read = ""
        if self.is_unchanged:
            log.info("nothing new since the last good build")
            self.state.set("inbox_read", self._inbox_read)
        return counts

    @property
    def is_inbox_read(self) -> bool:
        """Whether the inbox is as the last run that ended well has read it, by the same code."""
        return self.state.get("inbox_read") == self._inbox

    @property
    def _inbox(self) -> str:
        return state_of(self.paths.inbox) + self.settings.code_fingerprint("ingestion")

    # build ----------------------------------------------------------------------------------

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """The ledger, pinned for the run: what is landed later belongs to the next run."""
        return self.state.files()

    @cached_property
    def missing(self) -> list[Announced]:
        """Files that a manifest announces and that have not landed."""
        return missing_files(self.settings, self.state, self.ledger)

    @cached_property
    def inputs(self) -> str:
        """Digest of all that decides the published figures."""
        batches = [(file["batch_id"], file["status"], file["seq"]) for file in self.ledger]
        code = self.settings.code_fingerprint()
        missing = [str(file) for file in self.missing]
        reopened = len(self.state.reopened_months())
        text = json.dumps(
            [batches, code, self.as_of.isoformat(), missing, reopened, self.settings.comments]
        )
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def is_unchanged(self) -> bool:
        """Whether the current generation, pages included, was made of exactly these inputs."""
        current = warehouse.current_generation(self.paths)
        return (
            not self.forced_full
            and current is not None
            and self.state.get("good_inputs") == self.inputs
            and self.state.get("finished_run") == current
            and self._is_as_published()
        )

    def _is_as_published(self) -> bool:
        is_whole = is_as_published(self.paths.current.resolve())
        if not is_whole:
            log.warning("somebody changed the published file; it is built and published anew")
        return is_whole

    def begin_build(self) -> list[str]:
        """Make the working build with schema `raw`; returns the arguments of its `dbt build`."""
        full = self._is_full
        spark.discard(self.settings)  # of a run that was killed
        warehouse.begin_build(self.paths, fresh=full)
        with warehouse.connect(self.paths.working_build) as con:
            sources = self.settings.sources
            create_raw(
                con,
                self.paths.landing,
                self.ledger,
                sources,
                self.as_of,
                self.missing,
                self.settings.file.calendar,
                closed=self.state.closed_months(),
                reopened=self.state.reopened_months(),
                tests_all=self.tests_all,
            )
        dbt.set_environment(self.settings)
        return dbt.build_arguments(self.settings, full=full)

    def transform(self, arguments: list[str], target: Path) -> Mapping[str, Any]:
        """Build and test all tables, here or on Spark; the results as `dbt.invoke` gives them."""
        if self.settings.file.build.target == "duckdb":
            return dbt.invoke(arguments, target)
        return spark.build(self.settings, self.ledger, arguments, target)

    @cached_property
    def tests_all(self) -> bool:
        """Whether data tests read all rows: on full builds, and when a week has gone by without."""
        tested = self.state.get("tested_all")
        return self._is_full or not tested or self.as_of - date.fromisoformat(tested) >= _WEEK

    @cached_property
    def _is_full(self) -> bool:
        build = self.settings.file.build
        if build.target == "spark":
            return True
        same_code = self.state.get("good_code") == self.settings.code_fingerprint()
        if self.forced_full or not self.paths.good_build.exists() or not same_code:
            return True
        events = sum(file["feeds"].get("events", 0) for file in self.ledger)
        small = events <= build.full_until_events
        return build.mode == "full" or (build.mode == "auto" and small)

    # read and write the working build -------------------------------------------------------

    def query(self, sql: str) -> pl.DataFrame:
        """A query on the working build."""
        with self.on_build() as query:
            return query(sql)

    @contextmanager
    def on_build(self) -> Iterator[warehouse.Query]:
        """Queries on the working build through one connection, which costs as much as several."""
        with warehouse.connect(self.paths.working_build, read_only=True) as con:
            yield lambda sql: con.sql(sql).pl()

    def published(self, sql: str) -> pl.DataFrame:
        """A query on the current generation, which no reader can block."""
        with self.on_published() as query:
            return query(sql)

    @contextmanager
    def on_published(self) -> Iterator[warehouse.Query]:
        """Queries on the current generation through one connection."""
        with warehouse.connect_published(own_copy(self.paths)) as con:
            yield lambda sql: con.sql(sql).pl()

    def standing_failures(self) -> set[str]:
        """Names and layers of what the current generation did not pass: a no-op run repeats it."""
        failed = self.published("from quality.checks where status <> 'passed'")
        return {*failed["check_name"], *failed["layer"]}

    def landed_batches(self) -> list[str]:
        """The batches that count."""
        return [file["batch_id"] for file in self.ledger if file["status"] == "landed"]

    def counted_purchases(self) -> Recounted | None:
        """Purchases of the last generation, if what came since only adds events to its own.

        None, and all are counted, when all rows are tested, and when a batch was withdrawn, brings
        an event that had come before, or is a snapshot, which withdraws others.
        """
        if self.tests_all:
            return None
        with warehouse.connect(self.paths.working_build, read_only=True) as con:
            good = warehouse.literal(self.paths.good_build)
            con.execute(f"attach {good} as before (read_only)")
            last = con.sql("select max(raw_seq) from before.incremental.runs").pl().item()
            fresh = [one for one in self.ledger if one["seq"] > last and "events" in one["feeds"]]
            if any(one["status"] not in {"landed", "refused"} for one in fresh):
                return None
            ids = [one["batch_id"] for one in fresh if one["status"] == "landed"]
            batches = ", ".join(map(warehouse.literal, ids))
            if ids and con.sql(_MEETS_EVENTS.format(batches=batches)).pl().item():
                return None
            purchases: pl.DataFrame = con.sql(
                "select business_date, source, landed_rows"
                " from before.quality.reconciliation_daily"
                " where measure = 'purchases' and landed_rows > 0"
            ).pl()
        return Recounted(purchases, ids)

    def facts(self) -> pl.DataFrame:
        """One row: what this run is, and how far its data reach (`quality.run`)."""
        shop = self.settings.shop
        row = {
            "run_id": self.run_id,
            "built_at": datetime.now(UTC).replace(tzinfo=None),
            "data_through": self.last_day(),
            "as_of": self.as_of,
            "shop_name": shop.name,
            "currency": shop.currency,
            "timezone": shop.timezone,
            "inputs": self.inputs,
            "tests_cover": "all rows" if self.tests_all else "changed rows",
        }
        return pl.DataFrame([row], schema_overrides={"data_through": pl.Date})

    def last_day(self) -> date | None:
        """The last day of the data: what "yesterday" means on the pages."""
        day = self.query("select max(business_date) as day from marts.fct_gmv_daily")["day"][0]
        return day if isinstance(day, date) else None

    def published_incidents(self) -> pl.DataFrame | None:
        """Incidents as readers know them, so that an episode keeps its id from run to run.

        A source that was renamed since has its new name.
        """
        if not self.paths.current.exists():
            return None
        incidents = self.published("from insights.incidents")
        built_at = self.published("select built_at from quality.run")["built_at"][0]
        for old, new in self.state.renamed_since(built_at):
            is_of_it = (pl.col("dimension") == "source") & (pl.col("segment") == old)
            called = pl.when(is_of_it).then(pl.lit(new)).otherwise("segment")
            incidents = incidents.with_columns(segment=called)
        return incidents

    def write(self, table: str, frame: pl.DataFrame) -> None:
        """Write a frame as a table of the working build, replacing it."""
        with warehouse.connect(self.paths.working_build) as con:
            con.execute(f"create schema if not exists {table.partition('.')[0]}")
            con.register("_frame", frame.to_arrow())
            con.execute(f"create or replace table {table} as from _frame")

    # publish --------------------------------------------------------------------------------

    def publish(self, comments: dict[str, str]) -> Path:
        """Publish the audited build: from here on readers see the new generation."""
        generation = warehouse.write_generation(
            self.paths, self.run_id, comments, self._kept_rows()
        )
        # Before anybody can read them: a month has no other figures than those it was closed with.
        columns = ", ".join(f"{name}::varchar as {name}" for name in CLOSED_MONTHS)
        months = self.query(f"select {columns} from marts.fct_month_close where is_closed")
        self.state.close_months(months.to_dicts())
        # Killed between the next two, the good build is of unknown code: it is made anew.
        self.state.set("good_code", "")
        warehouse.promote_build(self.paths)
        self.state.set("good_code", self.settings.code_fingerprint())
        warehouse.point(self.paths.current, generation)
        self.state.set("good_run", self.run_id)
        keep, pinned = self.settings.file.publish.keep, self.state.get(PINNED)
        warehouse.drop_old_generations(self.paths, keep, pinned)
        return generation

    def _kept_rows(self) -> dict[str, str] | None:
        """Conditions on published rows that this run did not change, if they are of its build."""
        current = warehouse.current_generation(self.paths)
        if (
            self.tests_all  # once a week all is written anew, as it is tested anew
            or current is None
            or self.state.get("good_run") != current
            or not is_as_published(self.paths.current.resolve())
        ):
            return None
        kept = {}
        for table, (logs, day) in dbt.day_logs(dbt.manifest()).items():
            named = "', '".join(logs)
            changed = self.query(
                f"select day from incremental.changes where model in ('{named}')"
                " and seq = (select max(seq) from incremental.runs)"
            )["day"]
            if not changed.has_nulls():  # else it was built in full
                days = "', date '".join(str(one) for one in changed.unique().sort())
                kept[table] = f"{day} not in (date '{days}')" if days else f"{day} is not null"
        return kept

    def finish(self, alerts: int) -> None:
        """The last step is done: the generation is complete, pages and messages included.

        What lets the next run do nothing is written here alone, and last.
        """
        self.state.set("alerts", str(alerts))
        if self.tests_all:
            self.state.set("tested_all", self.as_of.isoformat())
        self.state.set("inbox_read", self._inbox_read)
        self.state.set("good_inputs", self.inputs)
        self.state.set("finished_run", self.run_id)

    def settle(self) -> None:
        """End a run that went well, whether or not there was something to do.

        Of one before it that failed the pages say nothing any more.
        """
        self._retain()
        self._mark_pages()

    def _retain(self) -> None:
        """Drop what is kept no longer, unless the clock may have jumped: then the next run does."""
        now, last = datetime.now(UTC), self.state.get("retained_at")
        self.state.set("retained_at", now.isoformat())
        if last and now - datetime.fromisoformat(last) > _JUMP:
            log.warning(
                "the last run was at %s by this clock: nothing is deleted for its age this time",
                last[:16],
            )
            return
        apply_retention(self.settings, self.state, self.as_of)
        drop_old_files(self.settings)

    def deliver(self) -> None:
        """Send the messages that are due, whatever this run will find."""
        from orchestration.alerting.delivery import deliver_due

        deliver_due(self.settings, self.state)

    def close(self) -> None:
        """Drop what an ended run leaves; if it failed, say so to the channels and on the pages.

        The message goes first, and each step stands alone: what ended the run may end one of them.
        """
        for part in (self._tell, self._mark_pages) if self.failure else ():
            attempt(part)
        attempt(lambda: warehouse.discard_build(self.paths))

    def _tell(self) -> None:
        from orchestration.alerting.alerts import tell_failure

        assert self.failure is not None
        tell_failure(self.settings, self.state, self.job_id, *self.failure)

    def _mark_pages(self) -> None:
        step, error = self.failure or (None, None)
        if not (self.paths.site.exists() and self.paths.current.exists()):
            return
        from dashboards.site import write_status

        last = attempt(lambda: self.published("select built_at from quality.run")["built_at"][0])
        write_status(
            self.paths.site,
            state="failed" if error else "ok",
            last_ok=last,
            failed_step=step,
            message=words_of(error).partition("\n")[0] if error else None,
        )
        warehouse.share(self.paths.site / "assets" / "status.js")


_RUN_ID = "%Y%m%dT%H%M%S%f"
_OF_A_RUN = re.compile(r"\d{8}T\d{12}")


def new_run_id(paths: Paths, state: State) -> str:
    """A run id that sorts behind all before it, whatever the clock says: UTC to the microsecond.

    By a counter that is close to the clock, and behind the last generation, of whose time a state
    that was restored from a backup may not know.
    """
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=state.next_sequence())
    # a database that somebody put beside ours under a name of theirs says nothing of a run
    earlier = (_OF_A_RUN.match(name) for name in warehouse.generations(paths))
    if last := max((found[0] for found in earlier if found), default=""):
        at = max(at, datetime.strptime(f"{last}+0000", f"{_RUN_ID}%z") + timedelta.resolution)
    if at - datetime.now(UTC) > _STEP:
        log.warning(
            "the clock of this machine says %s, and a run before was at %s: one of them is wrong;"
            " generations stay in the order of the runs",
            f"{datetime.now(UTC):%Y-%m-%d %H:%M}", f"{at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return at.strftime(_RUN_ID)


@contextmanager
def open_run(
    settings: Settings,
    *,
    job_id: str = "",
    as_of: date | None = None,
    full: bool = False,
    wait_seconds: float = 0.0,
) -> Iterator[Run]:
    """Take the lock and hold it around a run.

    Raises:
        KpiError: another run holds the lock (exit code 7).
    """
    settings.paths.make()
    warehouse.limit(settings.file.build.limits(settings.paths.data))
    state = State(settings.paths.state)
    run_id = new_run_id(settings.paths, state)
    with warehouse.run_lock(settings.paths.state, run_id, wait_seconds):
        attempt(partial(warehouse.clear_drafts, settings.paths))
        run = Run(settings, run_id, job_id or run_id, as_of=as_of, full=full)
        attempt(run.deliver)
        try:
            yield run
        finally:
            run.close()


def gate_error(failed: list[str]) -> KpiError:
    """The error of a failed audit: names the checks and says that nothing was published."""
    return KpiError(
        f"{len(failed)} checks failed, nothing was published: {', '.join(failed[:5])}",
        "audit",
        "See the data health page or `kpi status`; `kpi reject BATCH` withdraws a bad delivery.",
        ExitCode.GATE_FAILED,
    )
