"""`kpi sbom`: the packages that are installed and needed at run time, told without a network."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from orchestration.cli.console import console
from orchestration.errors import ExitCode, KpiError

_ROOT = "kpi-warehouse"


@dataclass(frozen=True)
class Part:
    """A package: its canonical name, version, and its licence as it tells it itself."""

    name: str
    version: str
    licence: str


@cache
def parts() -> tuple[Part, ...]:
    """All packages that run time needs, by name; extras for tests and tools are not among them."""
    found: dict[str, Part] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(_ROOT, frozenset())]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:  # for another system or Python
            continue
        found.setdefault(name, Part(name, package.version, _licence(package)))
        for needed in _needs(package, extras):
            one = (canonicalize_name(needed.name), frozenset(needed.extras))
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    del found[_ROOT]
    return tuple(found[name] for name in sorted(found))


def _needs(package: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in package.requires or ():
        needed = Requirement(text)
        environments = [{"extra": extra} for extra in (*extras, "")]
        if needed.marker is None or any(map(needed.marker.evaluate, environments)):
            yield needed


def _licence(package: Distribution) -> str:
    told = package.metadata
    if "License-Expression" in told:
        return told["License-Expression"]
    classes = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or ()
               if one.startswith("License :: ") and one.count("::") > 1]  # fmt: skip
    first = told["License"].strip().partition("\n")[0] if "License" in told else ""
    return " OR ".join(classes) or first[:60] or "not told"


def show_parts(licences: bool, advisories: Path | None) -> None:
    """Print the parts as a document or a table, or what is known against them.

    Raises:
        KpiError: there are no advisories in the folder, or some apply (exit code 4).
    """
    found = parts()
    if advisories is not None:
        _compare(found, advisories)
    elif licences:
        console.table(["package", "version", "licence"],
                      [(one.name, one.version, one.licence) for one in found])  # fmt: skip
    else:
        sys.stdout.write(json.dumps(_document(found), indent=1, ensure_ascii=False) + "\n")


def _document(found: tuple[Part, ...]) -> dict[str, Any]:
    """CycloneDX 1.5; the same installation gives the same bytes."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": _ROOT,
                                   "version": distribution(_ROOT).version}},
        "components": [
            {
                "type": "library",
                "name": one.name,
                "version": one.version,
                "purl": f"pkg:pypi/{one.name}@{one.version}",
                "licenses": [{"license": {"name": one.licence}}],
            }
            for one in found
        ],
    }  # fmt: skip


def _compare(found: tuple[Part, ...], folder: Path) -> None:
    records = [json.loads(file.read_text("utf-8")) for file in sorted(folder.rglob("*.json"))]
    if not records:
        raise KpiError(
            "there are no advisories there: nothing was compared",
            str(folder),
            "Copy there the records of PyPI from osv.dev, which are one file each.",
            ExitCode.USAGE,
        )
    versions = {one.name: one.version for one in found}
    hits = [(affected["package"]["name"], versions[name], record["id"], record.get("summary", ""))
            for record in records for affected in record.get("affected", ())
            if affected["package"].get("ecosystem") == "PyPI"
            and (name := canonicalize_name(affected["package"]["name"])) in versions
            and _is_affected(versions[name], affected)]  # fmt: skip
    console.document({"records": len(records), "hits": hits})
    console.table(["package", "version", "advisory", "what"], hits)
    if hits:
        raise KpiError(
            f"{len(hits)} of {len(records)} advisories apply", str(folder),
            "Raise the versions in constraints.txt and run the tests.", ExitCode.INPUT_REJECTED,
        )  # fmt: skip
    console.out(f"none of {len(records)} advisories applies to {len(found)} packages")


def _is_affected(version: str, affected: dict[str, Any]) -> bool:
    """Whether a version is listed, or lies between an introduction and a fix."""
    if version in affected.get("versions", ()):
        return True
    here = Version(version)
    for span in affected.get("ranges", ()):
        if span.get("type") != "ECOSYSTEM":
            continue
        is_in = False
        for event in span["events"]:
            (kind, at), *_ = event.items()
            try:
                bound = Version("0" if at == "0" else re.sub(r"[^0-9A-Za-z.!+-]", "", at))
            except InvalidVersion:
                continue
            if here >= bound and kind in ("introduced", "fixed"):
                is_in = kind == "introduced"
            elif kind == "last_affected" and here > bound:
                is_in = False
        if is_in:
            return True
    return False
