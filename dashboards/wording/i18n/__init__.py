"""The two text catalogues and the one way to read them.

Belongs here: texts of the pages, in English and Chinese, under the same keys.
Does not belong here: sentences that need rules (see `dashboards.wording.changes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

LANGUAGES = ("en", "zh")
# Ten times as fast; it is left out where libyaml was not there when PyYAML was built.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{name}."))
        else:
            flat[name] = str(value)
    return flat


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """All texts of one language as flat dotted keys.

    Args:
        lang: `en` or `zh`.

    Raises:
        KeyError: if the language is not one of `LANGUAGES`.
    """
    if lang not in LANGUAGES:
        raise KeyError(f"no catalogue for language {lang!r}; there are {', '.join(LANGUAGES)}")
    file = resources.files(__package__).joinpath(f"{lang}.yml")
    tree = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - it is a safe one
    return MappingProxyType(_flatten(tree))


def word(group: str, name: str, lang: str, default: str | None = None) -> str:
    """The catalogue's word for a name from the data, else the default, else the name itself."""
    return catalogue(lang).get(f"{group}.{name}", name if default is None else default)


def text(key: str, lang: str, **values: object) -> str:
    """The text of a key in a language, with `{name}` fields filled in.

    Raises:
        KeyError: if the key is not in the catalogue.
    """
    raw = catalogue(lang)[key]
    return raw.format(**values) if values else raw
