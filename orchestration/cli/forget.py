"""`kpi forget`: erases a person and prints the proof. The identifier is never printed or logged."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.erasure.erase import Request, folder
from orchestration.erasure.forget import forget
from orchestration.ledger.state import State


def forget_person(request: Request, wait_seconds: float = 0.0) -> None:
    """Erase a person under the run lock and print what was done.

    Args:
        request: whom; the identifier `-` stands for a line of standard input, so that the real one
            stands in no history of commands.
        wait_seconds: to wait for another run.

    Raises:
        KpiError: nothing is held, or another run holds the lock.
    """
    if request.identifier == "-":
        request = replace(request, identifier=sys.stdin.readline().rstrip("\n"))
    configured = settings.load()
    configured.paths.make()
    with (
        warehouse.run_lock(configured.paths.state, "forget", wait_seconds),
        console.progress(),
    ):
        proof = forget(configured, State(configured.paths.state), request)
    console.document(proof)
    if proof.get("erased_before"):
        console.out("this person was erased before; nothing of them is held")
        return
    _show(proof, str(folder(configured) / f"{proof['erasure']}.json"))


def _show(proof: dict[str, Any], file: str) -> None:
    replaced = ", ".join(f"{n} {name}" for name, n in sorted(proof["pseudonyms_replaced"].items()))
    console.heading(f"erased: {replaced or 'nothing was held'}; {proof['tombstones']} tombstones")
    console.table(
        ["store", "hits before", "hits after", "files rewritten"],
        [tuple(store.values()) for store in proof["stores"]],
    )
    for entry in proof["shared_with"]:
        console.out(
            f"not erased: customer {entry['customer_key']} has the same {entry['shares']};"
            " --with-shared takes such customers along"
        )
    if proof["build_dropped"]:
        console.out("the private build file was dropped: the next run rebuilds it in full")
    for entry in proof["inbox"]:
        console.out(f"inbox: {entry['file']}: {entry['why']}: {entry['action']}")
    for line in proof["to_do"]:
        console.out(f"to do: {line}")
    console.out(f"proof: {file}")
