"""The words that formats and shop.yml are written in: checked texts and strict models.

Belongs here: what any configured value must be, with errors that name the nearest right word.
Does not belong here: what a format or a source consists of (`spec.py`, `sources.py`).
"""

from __future__ import annotations

import codecs
import difflib
from pathlib import PurePosixPath
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator


def near(name: str, known: list[str]) -> str:
    """Return a hint naming the closest known name, or the known names when none is close."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(known) or 'none'}"


def _regex(pattern: str) -> str:
    try:
        pl.Series([""]).str.contains(pattern)  # the engine that will run it (no look-around)
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"`{pattern}` is not a regular expression: {error}") from None
    return pattern


def _sql(expression: str) -> str:
    try:
        pl.sql_expr(expression)
    except Exception as error:
        raise ValueError(f"`{expression}` is not an SQL expression: {error}") from None
    return expression


def _zone_name(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"`{name}` is not a time zone; write one like Asia/Shanghai") from None
    return name


def _zone(name: str) -> str:
    return name if name == "source" else _zone_name(name)


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"`{name}` is not an encoding; write utf-8, gb18030 or utf-16") from None


Regex = Annotated[str, AfterValidator(_regex)]
Sql = Annotated[str, AfterValidator(_sql)]
Zone = Annotated[str, AfterValidator(_zone)]
ZoneName = Annotated[str, AfterValidator(_zone_name)]
Encoding = Annotated[str, AfterValidator(_encoding)]


class Strict(BaseModel):
    """A model that refuses keys it does not know and names the nearest one it does."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        if isinstance(values, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            unknown = [key for key in values if key not in known and key not in cls.model_fields]
            if unknown:
                raise ValueError(f"unknown key `{unknown[0]}`; {near(str(unknown[0]), known)}")
        return values


def check_pattern(path: str) -> None:
    """Refuse a pattern of files that could leave the inbox."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise ValueError(f"path `{path}` must be a pattern below the inbox, without ..")


def sql_columns(expression: str) -> tuple[str, ...]:
    """Return the columns an SQL expression reads, each once."""
    return tuple(dict.fromkeys(pl.sql_expr(expression).meta.root_names()))
