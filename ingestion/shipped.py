"""YAML files that come with the program: feeds, formats, word tables.

Belongs here: reading one. Does not belong here: what may stand in it, nor a shop's own files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ingestion.errors import MappingError

# Ten times as fast; it is left out where libyaml was not there when PyYAML was built.
_Fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fast):  # type: ignore[misc, valid-type] # chosen at run time
    """Safe YAML that refuses a key given twice, which plain YAML silently overwrites."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping; a key given twice is an error with its line."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(keys)) < len(keys):
            raise MappingError(
                f"key `{next(key for key in keys if keys.count(key) > 1)}` is given twice",
                f"line {node.start_mark.line + 1}",
                do_this="Keep one of them.",
            )
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path) -> Any:
    """Return what a shipped file says.

    Raises:
        MappingError: a key is given twice.
    """
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - it is a safe one
