"""The outbox: every message as a text and a JSON file, whether or not a channel is configured."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from dashboards.wording.message import Message


def write_outbox(messages: Iterable[Message], outbox: Path) -> list[Path]:
    """Write `<incident_id>_<day>.txt` and `.json` of each message.

    Between day and ending stands what happened, but for an incident that opened.

    Args:
        messages: what to tell.
        outbox: the folder; made if missing.

    Returns:
        The text files that say something new.

    Raises:
        OSError: the outbox cannot be written.
    """
    outbox.mkdir(parents=True, exist_ok=True)
    return [file for message in messages for file in _write(message, outbox)]


def file_of(message: Message, outbox: Path) -> Path:
    """The text file of a message."""
    event = str(message.facts.get("event", "opened"))
    after = "" if event in ("opened", "test", "run_failed", "lookups") else f"_{event}"
    return outbox / f"{message.incident_id}_{message.day:%Y-%m-%d}{after}.txt"


def _write(message: Message, outbox: Path) -> list[Path]:
    file = file_of(message, outbox)
    body = f"{message.subject}\n\n{message.text}\n"
    told = message.as_dict()
    del told["keys"]
    record = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    is_new = write_atomically(file, body.encode())
    is_new |= write_atomically(file.with_suffix(".json"), record.encode())
    return [file] if is_new else []


def write_atomically(path: Path, data: bytes) -> bool:
    """Replace a file as a whole; False if it says the same already."""
    if path.is_file() and path.read_bytes() == data:
        return False
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return True
