"""Writing landed files so that nobody ever sees half of one.

Belongs here: drafts, their locks, what a full disk leaves. Does not belong here: what is written.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl

# Rows of a row group of a streamed file. A constant, so that the bytes depend on the rows alone.
_GROUP = 1 << 18
# Blocks of the file system: polars often says no more of a full disk than "transport error".
_LITTLE = 16
_FULL = os.strerror(errno.ENOSPC)


def write(frame: pl.DataFrame, target: Path) -> None:
    """Write Parquet so that the target is either whole or not there; see `draft_of`."""
    # By way of memory, compressed: polars does not always say that it was the disk that was full.
    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd", compression_level=1, statistics=True)
    with draft_of(target) as draft:
        draft.write_bytes(content.getbuffer())


def sink(rows: pl.LazyFrame, draft: Path) -> None:
    """Write rows as they come, in their order; only a few row groups are in memory at a time."""
    with draft.open("wb") as file:
        rows.sink_parquet(
            file,
            compression="zstd",
            compression_level=1,
            statistics=True,
            row_group_size=_GROUP,
            maintain_order=True,
            engine="streaming",
        )


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """Give a place beside the target to write to; afterwards it takes the target's place at once.

    The target is either whole or not there, also after a power cut.

    Raises:
        OSError: it cannot be written; with ENOSPC where the disk is full. No draft is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.tmp")
    with _alone(draft):
        try:
            yield draft
            _sync(draft)
        except BaseException as error:
            is_full = _FULL in str(error) or os.statvfs(target.parent).f_bavail < _LITTLE
            draft.unlink()  # on a full disk its room is needed
            if not any(target.parent.iterdir()):
                target.parent.rmdir()
            if isinstance(error, pl.exceptions.PolarsError) and is_full:
                raise OSError(errno.ENOSPC, _FULL, str(target)) from error
            raise
        draft.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
