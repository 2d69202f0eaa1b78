"""What names from the data are called in both languages: segments, metrics.

Belongs here: the registry's labels where it has them, else the catalogue's, else the name itself.
Does not belong here: sentences.
"""

from __future__ import annotations

from dashboards.base.data import Data
from dashboards.base.page import Both, both, named, tr
from dashboards.wording.comparisons import Form
from dashboards.wording.metrics import Metrics


def segment_name(dimension: str, segment: str) -> Both:
    """A segment's name: the catalogue's for known ones, else as delivered."""
    if segment in ("(untracked)", "(unidentified)", "(unattributed)"):
        return tr(f"segment.{segment.strip('()')}")
    return named(f"segment.{dimension}", segment)


def step_name(step: str) -> Both:
    """A step of the funnel, which is a kind of event."""
    return named("step", step)


def passage(before: str, step: str) -> Both:
    """From one step to the next: Add to cart → Checkout."""
    return tr("tree.step", a=step_name(before), b=step_name(step))


def label_of(name: str, metrics: Metrics) -> Both:
    """A measure's label: the registry's, else the catalogue's."""
    return _of(name, metrics, "label", "measure")


def definition_of(name: str, metrics: Metrics) -> Both:
    """A measure's definition: the registry's, else the catalogue's."""
    return _of(name, metrics, "definition", "definition")


def _of(name: str, metrics: Metrics, column: str, group: str) -> Both:
    row = metrics.get(name) or {}
    english, chinese = row.get(f"{column}_en"), row.get(f"{column}_zh")
    return Both(english, chinese) if english and chinese else named(group, name)


def comparison_name(data: Data, comparison: str, form: Form) -> Both:
    """A comparison in one of its forms."""
    return both(lambda lang: data.comparisons.said(comparison, form, lang))
