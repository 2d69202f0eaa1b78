"""Helpers for tests of `kpi init`: look at a folder, write the proposal, read it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ingestion.landing.deliveries import match_files
from ingestion.landing.land import LandedFile, land_file
from ingestion.mapping.sources import parse_sources
from ingestion.recognise import Proposal, Reading, Told, propose_shop, write

GIVEN = Told(name="Shop", currency="EUR", timezone="Europe/Berlin", platform="web")


def readings(proposal: Proposal) -> dict[str, Reading]:
    """The proposed readings by their globs."""
    return {r.group.glob: r for source in proposal.sources for r in source.readings}


def formats(proposal: Proposal) -> dict[str, tuple[str, str]]:
    """Glob -> (format, how sure)."""
    return {glob: (r.format_name, str(r.sure)) for glob, r in readings(proposal).items()}


def proposed(folder: Path, told: Told = GIVEN) -> tuple[Proposal, dict[str, Any]]:
    """The proposal for a folder, and its shop.yml as YAML reads it."""
    proposal = propose_shop(folder, told)
    content: dict[str, Any] = yaml.safe_load(write(proposal).text)
    return proposal, content


def land_all(folder: Path, content: dict[str, Any], target: Path) -> list[LandedFile]:
    """Land every file of a folder as a proposed shop.yml says, the folder being the inbox."""
    sources = parse_sources(content["sources"])
    return [
        land_file(
            match.path,
            inbox=folder,
            landing=target / "landing",
            quarantine=target / "quarantine",
            source=sources[match.source],
            files=match.files,
            key=b"k" * 32,
            reporting_currency=content["shop"]["currency"],
        )
        for match in match_files(folder, sources)
    ]
