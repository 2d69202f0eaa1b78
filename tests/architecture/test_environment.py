"""The environment: which Python makes it, and that what it holds is pinned, all and only that."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
# What extra `spark` alone needs; `make install` leaves its 0.5 GB out.
OF_SPARK = {"dbt-spark", "future", "pure-sasl", "py4j", "pyhive", "pyspark", "sqlparams", "thrift",
            "thrift-sasl"}  # fmt: skip
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ({"python3.13": "works", "python3.11": "works"}, "python3.13"),
        # What a version manager leaves for a Python that is not installed.
        ({"python3.13": "fails", "python3.12": "works", "python3": "works"}, "python3.12"),
        ({"python3.14": "works", "python3": "works"}, "python3"),
        ({"python3.11": "fails", "python3.10": "works"}, ""),
    ],
)
def test_the_newest_python_that_fits_makes_the_environment(
    tmp_path: Path, there: dict[str, str], chosen: str
) -> None:
    for name, behaviour in there.items():
        script = tmp_path / name
        does = f'exec {sys.executable} "$@"' if behaviour == "works" else "exit 127"
        script.write_text(f"#!/bin/sh\n{does}\n")
        script.chmod(0o755)
    for tool in ("dirname", "sed", "sh"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}" if tool == "sh" else f"/usr/bin/{tool}")
    done = subprocess.run(
        [ROOT / ".ci/python"], env={"PATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.strip() == chosen
    assert done.returncode == (0 if chosen else 2)
    assert ("from 3.11 to 3.13 with venv. Do: apt-get" in done.stderr) == (not chosen)


def test_the_pythons_tested_are_those_allowed() -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    tested = re.findall(r'"3\.(\d+)"', workflow)
    first, end = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert tested == [str(minor) for minor in range(int(first), int(end))]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(requirements: list[str]) -> set[str]:
    """Every distribution these need in this environment, directly or not."""
    todo, seen = [Requirement(one) for one in requirements], set()
    while todo:
        one = todo.pop()
        for extra in {"", *one.extras}:
            if (normal(one.name), extra) in seen:
                continue
            seen.add((normal(one.name), extra))
            for text in distribution(one.name).requires or []:
                further = Requirement(text)
                if further.marker is None or further.marker.evaluate({"extra": extra}):
                    todo.append(further)
    return {name for name, _ in seen}


def test_the_environment_is_what_is_pinned_and_nothing_else_is() -> None:
    extras = dict(PROJECT["optional-dependencies"])
    has_spark = find_spec("pyspark") is not None
    if not has_spark:
        del extras["spark"]
    wanted = [*PROJECT["dependencies"], *(one for extra in extras.values() for one in extra)]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {normal(name): version for name, version in (line.split("==") for line in lines)}
    found = {name: distribution(name).version for name in needed(wanted)}
    assert {name: pinned.get(name) for name in found} == found
    assert set(pinned) - set(found) == (set() if has_spark else OF_SPARK)
