"""Published files as others leave them: whether one changed, and reading one that is in use.

A published file is read-only, but its owner can open it for writing: whoever does so locks it,
and may change figures unseen. Belongs here: digests, and copies of our own. Does not belong here:
publishing (`warehouse.py`).
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from orchestration.config.settings import Paths


def digest_of(file: Path) -> Path:
    """Where the digest of a published database is, as `sha256sum --check` reads it."""
    return file.with_name(f"{file.name}.sha256")


def write_digest(content: Path, target: Path) -> Path:
    """Write the digest of a database that will be called `target`; returns its file."""
    digest = digest_of(target)
    digest.write_text(f"{_sha256(content)}  {target.name}\n", "ascii")
    return digest


def is_as_published(file: Path) -> bool:
    """Whether a published database holds the bytes it was published with.

    One that an older version published has no digest beside it, and nothing to differ from.
    """
    digest = digest_of(file)
    return not digest.exists() or digest.read_text("ascii").split()[0] == _sha256(file)


def own_copy(paths: Paths) -> Path:
    """The current generation in a file of ours: who has opened the published one blocks no run.

    `current.duckdb` itself where nothing is published: opening it says so.
    """
    if not paths.current.exists():
        return paths.current
    copy = paths.working_build.with_name(f"reading_{paths.current.resolve().name}")
    if not copy.exists():
        discard_copies(paths)
        draft = copy.with_suffix(".part")
        shutil.copyfile(paths.current, draft)
        draft.replace(copy)
    return copy


def discard_copies(paths: Paths) -> None:
    """Delete what `own_copy` made."""
    for copy in paths.working_build.parent.glob("reading_*"):
        copy.unlink()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
