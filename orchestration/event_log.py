"""Dagster's event log in SQLite, with the connection to each file kept and commits shared.

Dagster makes a new engine for every event it stores, and two or three commits, each of which waits
for the disk. A run stores some thousand events, most of them at once: with some hundred checks that
costs more than the storing. Here events wait a fifth of a second for others to be committed with.

The only file that imports private names of Dagster: it offers no public class to build on. Another
minor release may move them, which `tests/unit/test_event_log.py` then says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Timer
from typing import Any

from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

_BUSY_SECONDS = 60
# Short: a reader in another process sees events so much later, a writer waits so long.
_COMMIT_SECONDS = 0.2
# The index, the run under way and some that the UI looks at.
_KEPT = 8


class KeptEngineEventLog(SqliteEventLogStorage):
    """Named in `dagster.yaml`; same files as Dagster's own class, below DAGSTER_HOME."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._kept: dict[str, Connection] = {}
        self._committing: Timer | None = None
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> KeptEngineEventLog:
        """Make the log below the configured home, where Dagster's own would be."""
        return cls(str(Path(config_value["base_dir"]) / "history" / "runs"), inst_data)

    @cached_property
    def supports_asset_checks(self) -> bool:
        """Whether there is a table of checks, which is else asked with every event of one."""
        return bool(super().supports_asset_checks)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            connection = self._connection(shard)
            # What fails undoes itself alone; what others wrote before still waits for its commit.
            others_wait = _is_writing(connection)
            if others_wait:
                connection.exec_driver_sql("savepoint block")
            try:
                yield connection
            except BaseException:
                if others_wait:
                    connection.exec_driver_sql("rollback to block")
                    connection.exec_driver_sql("release block")
                else:
                    connection.rollback()
                raise
            if others_wait:
                connection.exec_driver_sql("release block")
            if _is_writing(connection) and self._committing is None:
                self._committing = Timer(_COMMIT_SECONDS, self._commit)
                self._committing.start()

    def _connection(self, shard: str) -> Connection:
        if shard not in self._kept:
            while len(self._kept) >= _KEPT:
                self._close(next(iter(self._kept)))
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=NullPool,
                connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
            )
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._kept[shard] = engine.connect()
        return self._kept[shard]

    def _commit(self) -> None:
        with self._db_lock:
            self._committing = None
            for connection in self._kept.values():
                connection.commit()

    def _close(self, shard: str) -> None:
        connection = self._kept.pop(shard)
        connection.commit()
        connection.close()

    def delete_events(self, run_id: str) -> None:
        """Forget a run, also what Dagster's own log leaves of it: its file, and its checks."""
        super().delete_events(run_id)
        with self.index_connection() as connection:
            checks = AssetCheckExecutionsTable
            connection.execute(checks.delete().where(checks.c.run_id == run_id))
        with self._db_lock:
            if run_id in self._kept:
                self._close(run_id)
            self._initialized_dbs.discard(run_id)
        for file in Path(self._base_dir).glob(f"{run_id}.db*"):
            file.unlink()

    def dispose(self) -> None:
        """Commit what waits, and close."""
        with self._db_lock:
            for shard in list(self._kept):
                self._close(shard)
        super().dispose()


def _is_writing(connection: Connection) -> bool:
    """Whether anything was written since the last commit: SQLite begins with the first write."""
    return bool(connection.connection.dbapi_connection.in_transaction)  # type: ignore[union-attr]
