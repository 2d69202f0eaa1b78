"""Where things are and what the shop configured: the only reader of the environment and `shop.yml`.

Belongs here: paths, reading `shop.yml`, secrets. Does not belong here: what its sections may say
(`sections.py`; its `sources` are `ingestion.mapping.sources`).
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shlex
import shutil
import stat
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from orchestration.config.machine import cores
from orchestration.config.refusals import refuse_blanks, refuse_twice
from orchestration.config.sections import Build, Shop, ShopFile
from orchestration.errors import config_error

if TYPE_CHECKING:
    from ingestion.mapping.sources import Source

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
DEMO_CONFIG = PROJECT_ROOT / "shop.example.yml"


@dataclass(frozen=True)
class Paths:
    """Every place of a data folder. `home` holds `shop.yml` and `data/`."""

    home: Path

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.home / "data"

    def __getattr__(self, name: str) -> Path:
        if name in _FOLDERS:
            return self.data / name
        raise AttributeError(name)

    @property
    def current(self) -> Path:
        """Symlink to the published generation's database."""
        return self.data / "published" / "current.duckdb"

    @property
    def working_build(self) -> Path:
        """The private build file of the run under way; its name never changes (dbt caches it)."""
        return self.data / "build" / "working.duckdb"

    @property
    def good_build(self) -> Path:
        """The build file of the last run that passed its audit."""
        return self.data / "build" / "good.duckdb"

    def folders(self) -> list[Path]:
        """All folders but the ones that are swapped as a whole."""
        return [self.data, *(self.data / name for name in _FOLDERS if name != "site")]

    def make(self) -> None:
        """Create all folders. What is in them is the owner's alone; the published, the group's.

        The inbox stays as it is if it is there: others may deliver into it.

        Raises:
            KpiError: one is a file, or this user may not.
        """
        os.umask(0o077)
        for folder in self.folders():
            mode = _MODES.get(folder.name if folder != self.data else "", 0o700)
            try:
                is_new = not folder.exists()
                folder.mkdir(parents=True, exist_ok=True)
                if is_new or (folder.name != "inbox" and _is_wider(folder, mode)):
                    folder.chmod(mode)
            except OSError as error:
                raise config_error(
                    f"cannot be made or is not ours: {error.strerror}",
                    str(folder),
                    "Run as the user who owns the data folder.",
                ) from error


def _is_wider(folder: Path, mode: int) -> bool:
    return bool(stat.S_IMODE(folder.stat().st_mode) & ~mode)


# Of the data folder itself (""): the group goes through it to what is published.
_MODES = {"": 0o710, "published": 0o750}
_FOLDERS = (
    "inbox", "landing", "quarantine", "state", "build", "published", "site", "outbox", "truth",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Paths and configuration of one run."""

    paths: Paths
    config_file: Path
    file: ShopFile

    @cached_property
    def sources(self) -> dict[str, Source]:
        """The configured sources by name.

        Raises:
            KpiError: a source is not valid.
        """
        from ingestion.errors import MappingError
        from ingestion.mapping.sources import parse_sources

        try:
            sources = parse_sources(self.file.sources)
        except MappingError as error:
            raise config_error(
                str(error), self.config_file.name, "Correct it, then `kpi doctor`."
            ) from error
        if unknown := self.file.calendar.unknown_platforms(sources):
            raise config_error(
                f"calendar names platform `{unknown[0]}`, and no source is of it",
                self.config_file.name,
                "Write it as in `platform:` of its source.",
            )
        sold_on = {source.platform for source in sources.values()}
        routed = {route.platform for route in self.file.alerts.routes} - {"*"}
        if unknown := sorted(routed - sold_on):
            raise config_error(
                f"alerts.routes names platform `{unknown[0]}`, and no source is of it",
                self.config_file.name,
                "Write it as in `platform:` of its source.",
            )
        return sources

    @property
    def shop(self) -> Shop:
        """Section `shop`."""
        return self.file.shop

    @property
    def comments(self) -> str:
        """What owners say of weeks and months: `comments.md` beside `shop.yml`; empty without."""
        file = self.config_file.with_name("comments.md")
        return file.read_text("utf-8", errors="replace") if file.is_file() else ""

    @property
    def zone(self) -> ZoneInfo:
        """The reporting zone."""
        return ZoneInfo(self.shop.timezone)

    def pseudonym_key(self, *, is_new: bool = True) -> bytes:
        """The secret key of the pseudonyms; a key file is made on first use.

        Args:
            is_new: whether a key may be made; False once something was landed with one.

        Raises:
            KpiError: the key is not set in the environment, is lost, empty, or others can read it.
        """
        kind, _, value = self.file.privacy.key.partition(":")
        if kind == "env":
            return _secret(value, "privacy.key").encode()
        return _key_of(self.paths.home / value, is_new=is_new)

    def alert_channels(self) -> list[str]:
        """The apprise URLs to send to, secrets resolved.

        Raises:
            KpiError: a channel names a variable that is not set.
        """
        return list(dict.fromkeys(map(self.address_of, self.file.alerts.addresses())))

    def address_of(self, channel: str) -> str:
        """The address of a channel as section `alerts` writes it, its secret resolved.

        Raises:
            KpiError: it names a variable that is not set.
        """
        name = channel.removeprefix("env:")
        return channel if name == channel else _secret(name, "alerts.channels")

    def on(self, target: str) -> Settings:
        """The same with another engine than `build.target`; of an empty name that one."""
        if not target:
            return self
        told = {**self.file.build.model_dump(), "target": target}
        return replace(self, file=self.file.model_copy(update={"build": Build(**told)}))

    def code_fingerprint(self, *folders: str) -> str:
        """Digest of the configuration and of what folders of the house hold: SQL, code, texts.

        By default all that decides marts and pages besides the data.

        The engine too: tables keep hashes, by which another version of it would find nothing.
        """
        digest = hashlib.sha256(self.config_file.read_bytes() + version("duckdb").encode())
        digest.update(self.file.build.target.encode())
        for folder in folders or ("dbt_project", "models", "dashboards", "orchestration"):
            for path in sorted((PROJECT_ROOT / folder).rglob("*")):
                if path.suffix in _CODE and "target" not in path.parts:
                    digest.update(path.relative_to(PROJECT_ROOT).as_posix().encode())
                    digest.update(path.read_bytes())
        return digest.hexdigest()


_CODE = {".sql", ".yml", ".csv", ".py", ".js", ".css", ".html"}


def choose(home: Path | None, config: Path | None) -> None:
    """Choose the data folder and the configuration of this process and those it starts."""
    _given.clear()
    if home:
        os.environ["KPI_HOME"] = str(home.resolve())
        _given["--home"] = home
    if config:
        os.environ["KPI_CONFIG"] = str(config.resolve())
        _given["--config"] = config


_given: dict[str, Path] = {}


def command_line() -> str:
    """`kpi` as it was called, with the folder and configuration that were chosen."""
    return shlex.join(["kpi", *(str(part) for pair in _given.items() for part in pair)])


def data_home() -> Path:
    """The folder that holds `shop.yml` and `data/`: `$KPI_HOME`, else the checkout."""
    return Path(os.environ.get("KPI_HOME", PROJECT_ROOT)).resolve()


def use_dagster_home() -> Path:
    """Point Dagster's storage at `data/dagster`, configured by the project's `dagster.yaml`."""
    folder = data_home() / "data" / "dagster"
    folder.mkdir(0o700, parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    return folder


def limit_polars(build: Build) -> None:
    """Let polars use the threads of section `build`; of no effect once it is imported."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(build.threads or cores()))


def load() -> Settings:
    """Read `shop.yml` of the data folder, or the file `$KPI_CONFIG` names.

    Raises:
        KpiError: the file is missing or not valid; says the line and what to do.
    """
    home = data_home()
    named = os.environ.get("KPI_CONFIG")
    path = Path(named) if named else home / "shop.yml"
    if not path.exists():
        raise config_error(
            "there is no such file",
            str(path),
            "Run `kpi demo` for the demo shop, or `kpi init --from FOLDER` with your own exports.",
        )
    text = path.read_text(encoding="utf-8")
    try:
        content = yaml.safe_load(text)
        refuse_twice(yaml.compose(text), path)
        refuse_blanks(text, path)
        file = ShopFile.model_validate(content if isinstance(content, dict) else {})
    except yaml.YAMLError as error:
        raise config_error(f"not valid YAML: {error}", path.name, "Mind the indentation.") from None
    except ValidationError as error:
        raise config_error(
            _explain(error, text), path.name, "Correct it, then `kpi doctor`."
        ) from None
    return Settings(Paths(home), path, file)


def _explain(error: ValidationError, text: str) -> str:
    """The violations with their lines, one sentence each."""
    from ingestion.mapping.vocabulary import near

    root = yaml.compose(text)
    lines = []
    for violation in error.errors():
        keys = [str(key) for key in violation["loc"]]
        line = _line_of(root, keys)
        said = violation["msg"].removeprefix("Value error, ")
        if violation["type"] == "extra_forbidden":
            said = f"unknown key; {near(keys[-1], _known_keys(keys[:-1]))}"
        lines.append(f"line {line}, {'.'.join(keys)}: {said}")
    return "; ".join(lines)


def _known_keys(path: list[str]) -> list[str]:
    """The keys that the section at `path` may have."""
    section: Any = ShopFile
    for key in path:  # an entry of a list by its number
        section = get_args(section)[0] if key.isdigit() else section.model_fields[key].annotation
    return list(section.model_fields)


def _line_of(node: yaml.Node | None, keys: list[str]) -> int:
    """Line of the deepest node on the path `keys` that exists."""
    line = 1
    for key in keys:
        if not isinstance(node, yaml.MappingNode):
            break
        for name, value in node.value:
            if name.value == key:
                node, line = value, name.start_mark.line + 1
                break
    return line


def _key_of(path: Path, *, is_new: bool) -> bytes:
    """The key in a file that nobody but its owner can read; made if there is none yet."""
    if not path.exists():
        if not is_new:
            raise config_error(
                "the key file is gone, and batches were landed with its key; with another one"
                " every customer would be counted twice",
                f"privacy.key, {path}",
                "Restore the file from a backup.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        draft.replace(path)  # a run killed here must not leave an empty key
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise config_error(
            f"others can read the key file (mode {mode:04o}); with it pseudonyms are undone",
            f"privacy.key, {path}",
            f"chmod 600 {path}   (or give the key as env:NAME)",
        )
    key = path.read_text(encoding="ascii").strip().encode()
    if not key:
        raise config_error("the key file is empty", f"privacy.key, {path}", "Restore it.")
    return key


def _secret(name: str, where: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise config_error(f"the environment variable {name} is not set", where, "Set it.")
    return value
