"""What is refused of a `shop.yml` as it is written, before its sections are looked at.

Belongs here: what YAML would pass over in silence. Does not belong here: what a section may say
(`sections.py`).
"""

from __future__ import annotations

from pathlib import Path

import yaml

from orchestration.errors import config_error


def refuse_twice(node: yaml.Node | None, path: Path) -> None:
    """Refuse a key that stands twice in one place: YAML would drop the first without a word.

    Raises:
        KpiError: naming the key and both lines.
    """
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            refuse_twice(item, path)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise config_error(
                f"`{key.value}` stands there twice, in lines {lines[key.value]} and {line}",
                path.name,
                "Put what is below both under one of them, or give one another name.",
            )
        lines[key.value] = line
        refuse_twice(value, path)


def refuse_blanks(text: str, path: Path) -> None:
    """Refuse what `kpi init` left for the owner to fill in, before anything is guessed from it.

    Raises:
        KpiError: naming the lines.
    """
    blank = "FILL_IN"
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if blank in line.partition("#")[0]
    ]
    if lines:
        where = ", ".join(map(str, lines))
        many = "1 value is" if len(lines) == 1 else f"{len(lines)} values are"
        raise config_error(
            f"{many} still to be filled in, line{'s' * (len(lines) > 1)} {where}",
            path.name,
            f"Replace {blank} there; the comment above each says what is asked.",
        )
