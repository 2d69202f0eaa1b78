"""Printing for people and programs: rich on a terminal, plain lines otherwise, JSON on request."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from orchestration.errors import ExitCode, KpiError, find_error, words_of, write_trace


class Console:
    """Where the commands print to; options of the command line decide how."""

    def __init__(self) -> None:
        self.as_json = False
        self.quiet = False
        self.color = True
        self.log_json = False

    def out(self, text: str = "") -> None:
        """One line of the answer, to standard output."""
        if not self.as_json:
            sys.stdout.write(text + "\n")

    def heading(self, text: str) -> None:
        """A line that stands out on a terminal."""
        self.out(f"\x1b[1m{text}\x1b[0m" if self._is_rich(sys.stdout) else text)

    def note(self, text: str, level: str = "info", **more: Any) -> None:
        """Progress, to standard error; that nobody reads it stops nothing."""
        if self.log_json:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            told = {"at": at, "level": level, "message": text.strip(), **more}
            text = json.dumps(told, ensure_ascii=False)
        if self.log_json or not self.quiet:
            with suppress(BrokenPipeError):
                sys.stderr.write(text + "\n")
                sys.stderr.flush()

    def document(self, content: Any) -> None:
        """The one JSON document of `--json`."""
        if self.as_json:
            sys.stdout.write(json.dumps(content, default=str, ensure_ascii=False, indent=2) + "\n")

    def table(self, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
        """Rows under their headings."""
        if self.as_json:
            return
        from rich import box
        from rich.console import Console as Rich
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row))
        width = None if sys.stdout.isatty() else 160
        rich = Rich(file=sys.stdout, no_color=not self.color, width=width)
        with rich.capture() as captured:  # rich would leave by itself if nobody reads
            rich.print(table)
        sys.stdout.write(captured.get())

    def _is_rich(self, stream: Any) -> bool:
        return self.color and stream.isatty() and "NO_COLOR" not in os.environ

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Show what the logger `kpi` says: a live line on a terminal, plain lines otherwise."""
        logger = logging.getLogger("kpi")
        logger.setLevel(logging.INFO)
        logger.propagate = False
        with ExitStack() as stack:
            if self._is_rich(sys.stderr) and not (self.quiet or self.log_json):
                from rich.console import Console as Rich

                status = stack.enter_context(Rich(stderr=True).status("starting ..."))
                handler: logging.Handler = _StatusHandler(status)
            else:
                handler = _LineHandler(self)
            logger.addHandler(handler)
            stack.callback(logger.removeHandler, handler)
            yield


class _LineHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message as a line of progress."""
        self._console.note(f"  {record.getMessage()}", record.levelname.lower())


class _StatusHandler(logging.Handler):
    def __init__(self, status: Any) -> None:
        super().__init__()
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        """Show what has begun in the live line, and print what is done above it."""
        message = record.getMessage()
        if message.endswith("..."):
            self._status.update(message)
        else:
            self._status.console.print(f"  {message}", style="dim", highlight=False, markup=False)


console = Console()


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn errors into a message and the exit code they stand for.

    A reader that leaves, as `head` does, ends a command without a word, as with other tools.
    """
    try:
        try:
            with _told():
                yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left to write goes nowhere, or Python would complain on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except KpiError as error:
        fail(error)
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    except BrokenPipeError:
        raise
    except Exception as error:
        known = find_error(error) or _of_the_machine(error)
        if known is None:
            from orchestration.config.settings import data_home

            log = write_trace(error, data_home() / "data" / "logs")
            known = KpiError(
                f"unexpected error: {words_of(error)}",
                "",
                f"The trace is in {log}. Please report it.",
                ExitCode.BUG,
            )
        fail(known)


def _of_the_machine(error: Exception) -> KpiError | None:
    """What is wrong with the disk or a store, where that ended a command."""
    from orchestration.config import settings
    from orchestration.trouble import named

    try:
        return named(error, settings.load())
    except Exception:  # whatever it is, the first error is the one to tell of
        return None


def fail(error: KpiError) -> None:
    """Print an error and leave with its code."""
    if console.log_json:
        console.note(str(error), "error", exit_code=int(error.code))
    else:
        sys.stderr.write(f"error: {error}\n")
    console.document({"error": str(error), "exit_code": int(error.code)})
    raise SystemExit(int(error.code))
