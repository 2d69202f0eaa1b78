"""Formats, shipped or written in shop.yml, from the words of YAML to `Format`.

Belongs here: loading `ingestion/formats/*.yml`, extending, overriding, filling in, naming what is
wrong where. Does not belong here: what a format may say (`spec.py`), the plain ones (`plain.py`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ingestion.errors import MappingError
from ingestion.mapping.plain import plain_formats
from ingestion.mapping.spec import Format
from ingestion.mapping.vocabulary import Strict, near
from ingestion.shipped import read_yaml

FORMATS = Path(__file__).parents[1] / "formats"
# Formats named so are no layouts but what layouts have in common, to be extended.
_BASE = "_"

Model = TypeVar("Model", bound=Strict)


def load_formats() -> dict[str, Format]:
    """Return the shipped formats by name, the plain ones of all feeds among them.

    Formats that name `{currency}` in a column are returned for CNY.

    Raises:
        MappingError: a shipped format is not valid.
    """
    return {
        name: validated(Format, _fill(raw, "CNY"), f"formats/{name}.yml")
        for name, raw in _raw_formats().items()
        if not name.startswith(_BASE)
    }


def written(form: Any, overrides: Mapping[str, Any], currency: str, where: str) -> dict[str, Any]:
    """Return the keys of a format as it stands in shop.yml.

    Args:
        form: name of a shipped format, or a mapping of keys.
        overrides: keys laid over it.
        currency: of the source.
        where: key path, for errors.

    Raises:
        MappingError: there is no such format.
    """
    if isinstance(form, str):
        formats = {k: form for k, form in _raw_formats().items() if not k.startswith(_BASE)}
        if form not in formats:
            raise MappingError(f"there is no format `{form}`", where, near(form, list(formats)))
        form = formats[form]
    if not isinstance(form, Mapping):
        raise MappingError("is not a mapping", where, do_this="Name one or write its keys.")
    form = _extended({"name": "inline", **form}, _raw_formats(), where)
    filled: dict[str, Any] = _fill(_merge(form, overrides), currency)
    return filled


@lru_cache(maxsize=1)
def _raw_formats() -> dict[str, dict[str, Any]]:
    raw = plain_formats()
    for path in sorted(FORMATS.glob("*.yml")):
        raw[path.stem] = {"name": path.stem, **read_yaml(path)}
    return {name: _extended(form, raw, f"formats/{name}.yml") for name, form in raw.items()}


def _extended(
    form: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], where: str
) -> dict[str, Any]:
    """Lay a format over the one it `extends:`, key by key; lists are replaced, not added to."""
    chain = [dict(form)]
    while base := chain[-1].pop("extends", None):
        names = [link.get("name") for link in chain]
        if base in names:
            raise MappingError(f"`extends: {base}` goes in a circle", where)
        if base not in known:
            raise MappingError(
                f"there is no format `{base}` to extend", where, near(str(base), [*known])
            )
        chain.append(dict(known[base]))
    merged: dict[str, Any] = {}
    for link in reversed(chain):
        merged = _merge(merged, link)
    return merged


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay keys over keys; null takes a block away, such as a feed that is not wanted."""
    merged = dict(copy.deepcopy(dict(base)))
    for key, value in over.items():
        inner = merged.get(key)
        if isinstance(inner, Mapping) and value is None:
            del merged[key]
        elif isinstance(inner, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(inner, value)
        else:
            merged[key] = value
    return merged


def _fill(value: Any, currency: str) -> Any:
    """Replace `{currency}` in every text, because Meta writes it into column names."""
    if isinstance(value, str):
        return value.replace("{currency}", currency)
    if isinstance(value, Mapping):
        return {_fill(key, currency): _fill(item, currency) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_fill(item, currency) for item in value]
    return value


def validated(model: type[Model], raw: Any, where: str) -> Model:
    """Return a part of a mapping as its model.

    Raises:
        MappingError: naming the key path, what is wrong there and what to do.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        path = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in first["loc"])
        more = error.error_count() - 1
        raise MappingError(
            first["msg"].removeprefix("Value error, "),
            where + path,
            f"({more} more like this.)" if more else "",
            "Correct it in shop.yml." if where.startswith("shop.yml") else "",
        ) from None
