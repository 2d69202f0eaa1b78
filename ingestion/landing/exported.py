"""When a file was exported: what its manifest, its name or its title lines say.

Belongs here: FEEDS rule 1, the export instant. Does not belong here: instants of rows.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.landing.manifest import Entry
from ingestion.mapping.rules import ExportedAt
from ingestion.mapping.sources import FileSpec, Source
from ingestion.reading.preflight import first_lines
from ingestion.rows.parse import instant

_FIRST = datetime(1970, 1, 1)  # stands for export number 0; without zone as all are
_TOO_LONG = 11  # digits: no count of exports


def exported_at(
    path: Path, files: FileSpec, source: Source, entry: Entry | None
) -> datetime | None:
    """Return the export instant in UTC, without zone; None where nothing is said to tell it.

    Numbered exports get instants that are in their order, and mean nothing beside it.

    Args:
        path: the file.
        files: how it is read; its format says where the instant stands.
        source: supplies the zone of local times.
        entry: what a manifest says of the file, which comes first.

    Raises:
        FileRejected: the format says where it stands, and it does not stand there.
    """
    zone = source.timezone if files.format.zone == "source" else files.format.zone
    if entry is not None and (told := entry.exported_utc(zone)) is not None:
        return told
    rule = files.format.exported_at
    if rule is None:
        return None
    if rule.file_time:
        return datetime.fromtimestamp(int(path.stat().st_mtime), UTC).replace(tzinfo=None)
    if rule.title is not None:
        place, pattern = "title", rule.title
        text = "\n".join(first_lines(path, files.format.read))
    else:
        place, pattern, text = "name", rule.file_name, path.name
    stamp = re.search(pattern, text)
    if stamp is None and not rule.required:
        return None
    found = _instant(stamp.group(1) if stamp else None, rule, zone)
    if not isinstance(found, datetime):
        raise FileRejected(
            f"its {place} carries no export instant",
            path.name,
            f"The format looks for `{pattern}`; versions of a row are ordered by it.",
            "Keep what the platform writes, say it in a manifest, or change exported_at.",
        )
    return found


def _instant(stamp: str | None, rule: ExportedAt, zone: str) -> object:
    if rule.is_count:
        is_one = stamp is not None and stamp.isdecimal() and len(stamp) < _TOO_LONG
        return _FIRST + timedelta(seconds=int(stamp or 0)) if is_one else None
    frame = pl.DataFrame({"t": [stamp]}, schema={"t": pl.String})
    return frame.select(instant(pl.col("t"), rule.formats, zone)).item()
