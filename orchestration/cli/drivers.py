"""The factors of the GMV identity on both sides of a comparison, from the published marts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboards.figures.ratios import level, sides

if TYPE_CHECKING:
    from dashboards.wording.changes import Effect
    from dashboards.wording.metrics import Metrics


def metric_of(effect: str) -> str:
    """The metric whose change an effect is."""
    return "conversion_rate" if effect == "conversion" else effect


@dataclass(frozen=True)
class Driver:
    """One factor of GMV on the day and in the comparison.

    Attributes:
        name: as in `fct_gmv_change` without `_effect`.
        label: in the asked language.
        value: on the day; None where it is not defined.
        base_value: in the comparison; None where it is not known.
        effect: money the change of the factor brought or cost.
    """

    name: str
    label: str
    value: float | None
    base_value: float | None
    effect: float


def drivers(effects: list[Effect], change: Mapping[str, Any], metrics: Metrics) -> list[Driver]:
    """The drivers in chain order, with their values on both sides.

    Args:
        effects: `dashboards.wording.changes.effects` of the company's row.
        change: that row of `fct_gmv_change`.
        metrics: the registry by name.
    """
    tree = []
    for effect in effects:
        now, base = (level(metric_of(effect.name), side, metrics) for side in sides(change))
        tree.append(Driver(effect.name, effect.label, now, base, effect.amount))
    return tree
