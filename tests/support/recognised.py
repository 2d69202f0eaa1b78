"""Helpers for tests of `kpi init`: look at a folder, write the proposal, read it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ingestion.recognise import Proposal, Reading, Told, propose_shop, write

GIVEN = Told(name="Shop", currency="EUR", timezone="Europe/Berlin", platform="web")


def readings(proposal: Proposal) -> dict[str, Reading]:
    """The proposed readings by their globs."""
    return {r.group.glob: r for source in proposal.sources for r in source.readings}


def formats(proposal: Proposal) -> dict[str, tuple[str, str]]:
    """Glob -> (format, how sure)."""
    return {glob: (r.format_name, str(r.sure)) for glob, r in readings(proposal).items()}


def only_form(content: dict[str, Any]) -> dict[str, Any]:
    """The format of the only files that a shop.yml proposes."""
    (source,) = content["sources"].values()
    (files,) = source["files"]
    return dict(files["format"])


def proposed(folder: Path, told: Told = GIVEN) -> tuple[Proposal, dict[str, Any]]:
    """The proposal for a folder, and its shop.yml as YAML reads it."""
    proposal = propose_shop(folder, told)
    content: dict[str, Any] = yaml.safe_load(write(proposal).text)
    return proposal, content
