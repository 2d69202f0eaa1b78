"""Writing landed files so that nobody ever sees half of one.

Belongs here: drafts, their locks, what a full disk leaves. Does not belong here: what is written.
"""

from __future__ import annotations

import fcntl
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import polars as pl


def write(frame: pl.DataFrame, target: Path) -> None:
    """Write Parquet so that the target is either whole or not there, also after a power cut.

    Raises:
        OSError: it cannot be written; with ENOSPC where the disk is full, and no draft is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # By way of memory, compressed: polars does not always say that it was the disk that was full.
    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd", compression_level=1, statistics=True)
    draft = target.with_name(f".{target.name}.tmp")
    with _alone(draft) as file:
        try:
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            draft.unlink()  # on a full disk its room is needed
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
