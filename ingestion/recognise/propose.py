"""From a folder of exports to a proposed shop: sources, their files, and what nobody could tell.

Belongs here: going through the files, and which of them make one source. Does not belong here:
looking at single files (`outline.py`), layouts (`formats.py`, `unknown.py`), text (`render.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.reading.apart import apart
from ingestion.recognise.formats import fits, recognise, sample_of
from ingestion.recognise.grouping import files_below, group
from ingestion.recognise.outline import Outline, outline_of
from ingestion.recognise.proposal import Group, Note, Proposal, Reading, Sure, Unread
from ingestion.recognise.sources import Told, shop_of, sources_of
from ingestion.recognise.unknown import propose
from ingestion.recognise.words import other_export

__all__ = ["Told", "nearest_format", "propose_shop", "read_group"]


@dataclass(frozen=True)
class _Result:
    reading: Reading | None
    unread: tuple[Unread, ...]


def propose_shop(
    folder: Path,
    told: Told,
    *,
    prefix: str = "",
    progress: Callable[[str], None] | None = None,
    memory_mib: int = 4096,
) -> Proposal:
    """Look at every file below a folder and propose how to read it.

    Args:
        folder: of exports.
        told: what the owner said on the command line.
        prefix: folder below the inbox that these files have or will have.
        progress: is told of each group of files.
        memory_mib: MiB that looking at one group may take; see `reading.apart`.

    Returns:
        The proposal. Nothing is written and no value of a person is kept in it.
    """
    with ThreadPoolExecutor(2) as pool, apart(outline_of, memory_mib) as look:
        outlines = list(pool.map(partial(_outline, look), files_below(folder)))
    readings: list[Reading] = []
    unread: list[Unread] = []
    with apart(read_group, memory_mib) as read:
        for one in group(outlines, folder):
            if progress:
                progress(f"{one.glob}: {len(one.outlines)} files")
            try:
                result = read(one, max(one.outlines, key=lambda seen: seen.size).path)
            except FileRejected as error:
                result = _Result(None, (Unread(one.glob, one.paths, error.what, error.do_this),))
            if result.reading:
                readings.append(result.reading)
            unread += result.unread
    unread = [replace(one, glob=_placed(one, folder, prefix)) for one in unread]
    drafts = sources_of(_one_layout_a_format(readings), folder.resolve().name, prefix, told)
    shop, sources, notes = shop_of(drafts, folder.resolve().name, told)
    return Proposal(shop, sources, tuple(unread), notes)


def _outline(look: Callable[[Path, Path], Outline], path: Path) -> Outline:
    try:
        return look(path, path)
    except FileRejected as error:
        size = path.stat().st_size
        return Outline(path, size, trouble=error.what, do_this=error.do_this)


def _placed(one: Unread, folder: Path, prefix: str) -> str:
    """Return the pattern below the inbox of files that stay outside."""
    name = one.glob
    if len(one.paths) == 1:
        name = re.sub(r"([\[*?])", "[\\1]", one.paths[0].relative_to(folder).as_posix())
    return f"{prefix}/{name}" if prefix else name


def _one_layout_a_format(readings: list[Reading]) -> list[Reading]:
    """Switch off all but the best fitting of several layouts of a folder that one format reads.

    Exports of several levels (campaigns, their ad groups, their keywords) have nearly the same
    columns and tell the same money: reading two of them would count it twice.
    """
    best: dict[tuple[str, str], Reading] = {}
    for reading in readings:
        key = (reading.group.glob.rpartition("/")[0], reading.format_name)
        if reading.format_name != "inline" and _fit(reading) > _fit(best.get(key)):
            best[key] = reading
    checked = []
    for reading in readings:
        folder = reading.group.glob.rpartition("/")[0]
        other = best.get((folder, reading.format_name))
        same = other is None or set(other.group.first.header) == set(reading.group.first.header)
        if same or other is None:
            checked.append(reading)
            continue
        more = sorted(set(reading.group.first.header) - set(other.group.first.header))
        told = f"it has other columns than {other.group.glob}"
        if more:
            told += f" ({', '.join(more[:3])})"
        question = "is this the same kind of export, with rows of its own? If so, take off the `#|`"
        note = Note(("path",), Sure.UNSURE, told, (), question)
        checked.append(
            replace(reading, sure=Sure.UNSURE, is_doubtful=True, notes=(note, *reading.notes))
        )
    return checked


def _fit(reading: Reading | None) -> float:
    if reading is None:
        return -1.0
    found = fits(reading.group.first, reading.currency or "XXX")
    return next((fit.score for fit in found if fit.name == reading.format_name), 0.0)


def read_group(one: Group) -> _Result:
    """Propose how one group of files is read; say of each file that is not why."""
    bad = [seen for seen in one.outlines if seen.trouble]
    unread = tuple(Unread(s.path.name, (s.path,), s.trouble, s.do_this) for s in bad)
    good = tuple(seen for seen in one.outlines if not seen.trouble)
    if not good:
        same = {(u.why, u.do_this) for u in unread}
        if len(same) == 1 and len(unread) > 1:
            unread = (Unread(one.glob, one.paths, unread[0].why, unread[0].do_this),)
        return _Result(None, unread)
    whole = Group(one.glob, good)
    sample = sample_of(whole.first.path)
    # From here on nothing needs the values any more, and some of them are people.
    whole = Group(one.glob, tuple(replace(seen, head=pl.DataFrame()) for seen in good))
    reading, why = recognise(whole, sample), ""
    if reading is None and (known := other_export(whole.first.header)):
        do_this = "Map it by hand, or name it under `ignore:` of shop.yml."
        why = f"looks like {known}: not a format that is known"
        return _Result(None, (*unread, Unread(one.glob, whole.paths, why, do_this)))
    if reading is None:
        reading, why = propose(whole, sample)
    if reading is not None:
        return _Result(reading, unread)
    if whole.first.open_quote:
        why = f"a quote is opened in line {whole.first.open_quote} or before and never closed"
        return _Result(None, (*unread, Unread(one.glob, whole.paths, why, "Correct that line.")))
    near = nearest_format(whole.first.path)
    hint = f"{why}{f'; of the shipped formats {near}' if near else ''}"
    return _Result(None, (*unread, Unread(one.glob, whole.paths, hint, "")))


def nearest_format(path: Path) -> str:
    """Return the shipped format nearest to a file and what is missing for it; empty if none is."""
    seen = outline_of(path)
    if seen.trouble:
        return f"none: it {seen.trouble}"
    found = [fit for fit in fits(seen, "XXX") if fit.known]
    if not found:
        return ""
    best = max(found, key=lambda fit: (not fit.missing, fit.score))
    if not best.missing:
        return f"`{best.name}` fits"
    if best.score < 0.3:
        return ""
    lacks = ", ".join(re.sub(r"[\r\n]+", " ", name) for name in best.missing[:3])
    return f"`{best.name}` is nearest; it needs {lacks}"
