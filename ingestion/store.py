"""Writing landed files so that nobody ever sees half of one.

Belongs here: drafts, their locks, what a full disk leaves. Does not belong here: what is written.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

_FULL = os.strerror(errno.ENOSPC)


def write(frame: pl.DataFrame, target: Path) -> None:
    """Write Parquet so that the target is either whole or not there, also after a power cut.

    Raises:
        OSError: it cannot be written; with ENOSPC where the disk is full, and no draft is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.tmp")
    with _alone(draft) as file:
        try:
            frame.write_parquet(file, compression="zstd", compression_level=1, statistics=True)
            file.flush()
            os.fsync(file.fileno())
        except BaseException as error:
            # Where the end of the file finds no room, polars speaks of its form instead.
            is_full = _FULL in str(error) or not os.statvfs(draft).f_bavail
            draft.unlink()  # on a full disk its room is needed
            if isinstance(error, pl.exceptions.PolarsError) and is_full:
                raise OSError(errno.ENOSPC, _FULL, str(target)) from error
            raise
        draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _alone(draft: Path) -> Iterator[BinaryIO]:
    """Open a draft, empty, that nobody else writes at the same time; its lock ends with us."""
    while True:
        with draft.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held it before has renamed or deleted it: this is another file now.
            if draft.exists() and draft.stat().st_ino == os.fstat(file.fileno()).st_ino:
                file.truncate(0)
                yield file
                return
