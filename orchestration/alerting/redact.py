"""Keeps secrets out of logs and errors while foreign code handles them.

apprise writes whole webhook addresses to its log, malformed ones even as warnings, and the HTTP
library under it writes paths that hold tokens. So every record made inside `redacting` is cleaned
when it is made, whichever logger makes it.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

MASK = "***"
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>]+", re.IGNORECASE)
_SHORTEST = 4  # shorter parts would blank ordinary words


class Redactor:
    """Replaces addresses and every part of the given secrets in a text.

    Args:
        secrets: webhook or mail addresses in clear.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part for secret in secrets for part in _parts(secret) if len(part) >= _SHORTEST}
        ordered = sorted(parts, key=lambda part: (-len(part), part))
        self._parts = re.compile("|".join(map(re.escape, ordered)) or r"(?!)", re.IGNORECASE)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return self._parts.sub(MASK, _ADDRESS.sub(_scheme_only, text))


def _scheme_only(match: re.Match[str]) -> str:
    return match.group().split("://")[0] + "://" + MASK


def _parts(secret: str) -> set[str]:
    """The secret, its pieces, and both as they look quoted and unquoted."""
    pieces = {secret, *re.split(r"[/?&=@:#,;]+", secret.partition("://")[2])}
    with suppress(ValueError):  # a malformed address is split by its separators only
        pieces |= {value for _, value in parse_qsl(urlsplit(secret).query)}
    return {form for piece in pieces for form in (piece, unquote(piece), quote(piece, safe=""))}


@contextmanager
def redacting(secrets: Iterable[str]) -> Iterator[Redactor]:
    """Clean all log records made inside the block; gives the redactor for other texts.

    Args:
        secrets: webhook or mail addresses in clear.
    """
    redact = Redactor(secrets)
    make = logging.getLogRecordFactory()

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        """A record as the standard factory makes it, without the secrets."""
        record = make(*args, **kwargs)
        try:
            record.msg = redact(record.getMessage())
        except (TypeError, ValueError):  # arguments that do not fit must not print themselves
            record.msg = redact(str(record.msg))
        record.args = ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        return record

    logging.setLogRecordFactory(make_clean)
    try:
        yield redact
    finally:
        logging.setLogRecordFactory(make)
