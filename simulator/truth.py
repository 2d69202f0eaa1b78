"""What was planted, written beside the exports and never read by the pipeline.

Belongs here: the truth files. Unlike exports they are rewritten as days are added.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from simulator.company import CHANNELS, REFUND_PATHS
from simulator.customers import repeat_chances
from simulator.demand import ordinal
from simulator.experiments import VARIANTS, experiments
from simulator.files import write_atomically
from simulator.incidents import Incident
from simulator.tables import header
from simulator.truth_operations import operations_truth
from simulator.world import make_world

REPEAT_DAYS = 90
_INCIDENT_COLUMNS = header(
    "incident_id,kind,start_date,end_date,platform,dimension,segment,metric,factor"
)
_FRAUD_COLUMNS = ("order_id", "platform", "ring", "ordered_on", "is_refunded")


@dataclass(frozen=True)
class Simulation:
    """What a data folder was simulated with; see `load_simulation`."""

    seed: int
    start: date
    history_until: date
    as_of: date
    scale: float = 1.0


def load_simulation(root: Path) -> Simulation | None:
    """Return what the data folder was simulated with, or None if it was not simulated."""
    path = root / "truth" / "simulation.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return Simulation(
        seed=int(found["seed"]),
        start=date.fromisoformat(found["start"]),
        history_until=date.fromisoformat(found["history_until"]),
        as_of=date.fromisoformat(found["as_of"]),
        scale=float(found.get("scale", 1.0)),
    )


def write_truth(
    root: Path, made: Simulation, incidents: tuple[Incident, ...], orders: pl.DataFrame | None
) -> None:
    """Write what was planted up to the last day of a simulation.

    Args:
        root: the data folder; files go to root/truth.
        made: the simulation. A folder that is further already is left alone.
        incidents: planted incidents begun by the last day.
        orders: site orders drawn now, whose fraud is added to that known; None if none were.
    """
    known = load_simulation(root)
    if known is not None and known.as_of > made.as_of:
        return
    folder = root / "truth"
    tables = {
        "incidents": _incidents(incidents),
        "channel_weights": channel_weights(),
        "refund_lags": refund_lags(),
        "experiments": _experiments(made),
    }
    if known != made or not (folder / "repeat_rates.csv").exists():
        tables["repeat_rates"] = repeat_rates(made)
    fraud = folder / "fraud_orders.csv"
    if orders is not None or not fraud.exists():
        tables["fraud_orders"] = _fraud(fraud, made, orders)
    tables |= operations_truth(made.seed, made.start, made.history_until, made.as_of)
    for name, table in tables.items():
        write_atomically(folder / f"{name}.csv", table.write_csv().encode())
    facts = {name: str(value) if isinstance(value, date) else value
             for name, value in asdict(made).items()}  # fmt: skip
    write_atomically(folder / "simulation.json", (json.dumps(facts) + "\n").encode())


def _incidents(incidents: tuple[Incident, ...]) -> pl.DataFrame:
    """Return incidents, one row each."""
    rows = {name: [getattr(item, name) for item in incidents] for name in _INCIDENT_COLUMNS}
    types = dict.fromkeys(_INCIDENT_COLUMNS, pl.String) | {
        "start_date": pl.Date,
        "end_date": pl.Date,
        "factor": pl.Float64,
    }
    return pl.DataFrame(rows, schema=types)


def channel_weights() -> pl.DataFrame:
    """Return the causal weights of acquisition channels.

    Returns:
        Columns channel; conversion_weight (new customers per first visit, relative); aov_weight
        (goods value of their orders, relative); repeat_orders (later orders a customer, mean);
        value_weight (product of all: sales in the long run per first visit, relative).
    """
    names = {item.name: item for item in CHANNELS}
    frame = pl.DataFrame(
        [(n, c.conversion, c.basket, c.repeats) for n, c in names.items()],
        schema=["channel", "conversion_weight", "aov_weight", "repeat_orders"],
        orient="row",
    )
    value = pl.col("conversion_weight") * pl.col("aov_weight") * (1 + pl.col("repeat_orders"))
    return frame.with_columns(value_weight=value.round(4))


def refund_lags() -> pl.DataFrame:
    """Return the parameters of refund lags in days from payment, one row a way a refund goes."""
    rows = [
        {name: value for name, value in asdict(item).items() if name != "asking"}
        | {"mean_days": round(item.mean, 3)}
        for item in REFUND_PATHS
    ]
    days = {
        name: f"{name}_days" for name in ("shortest", "longest", "tail_shortest", "tail_longest")
    }
    return pl.DataFrame(rows).rename(days | {"tail": "tail_share"})


def _experiments(made: Simulation) -> pl.DataFrame:
    """Return the experiments that began by the last day, with the lift of orders per visitor."""
    names = ("experiment_id", "start_date", "end_date", "lift")
    found = [item for item in experiments(made.start, made.as_of) if item.start_date <= made.as_of]
    types = dict(zip(names, (pl.String, pl.Date, pl.Date, pl.Float64), strict=True))
    frame = pl.DataFrame({n: [getattr(item, n) for item in found] for n in names}, schema=types)
    return frame.select(
        "experiment_id",
        "start_date",
        "end_date",
        platform=pl.lit("shopify"),
        metric=pl.lit("conversion"),
        control=pl.lit(VARIANTS[0]),
        treatment=pl.lit(VARIANTS[1]),
        treatment_share=pl.lit(0.5),
        lift="lift",
    )


def repeat_rates(made: Simulation) -> pl.DataFrame:
    """Return the true chance of a second paid order on a later day within 90 days of the first.

    Customers are those who first order in the simulated window, but at least 90 days before its
    end; if there are none, those of its first day.

    Returns:
        Columns channel (that of the first visit), repeat_probability_90d.
    """
    first, last = ordinal(made.start), ordinal(made.as_of)
    world = make_world(made.seed, made.scale, made.start, made.as_of)
    days = np.arange(first, max(last - REPEAT_DAYS, first) + 1)
    chances = repeat_chances(world, days, REPEAT_DAYS)
    return pl.DataFrame(
        {"channel": [*chances], "repeat_probability_90d": [round(x, 4) for x in chances.values()]}
    )


def _fraud(path: Path, made: Simulation, orders: pl.DataFrame | None) -> pl.DataFrame:
    """Return the fraud rings' orders: those drawn now and those noted before."""
    types: dict[str, type[pl.DataType]] = dict.fromkeys(_FRAUD_COLUMNS, pl.String)
    types |= {"ordered_on": pl.Date, "is_refunded": pl.Boolean}
    parts = [pl.DataFrame(schema=types)]
    if orders is not None:
        end = (ordinal(made.as_of) + 1) * 86400
        begin = ordinal(made.start) * 86400
        mine = orders.filter(
            (pl.col("ring") >= 0) & pl.col("ordered").is_between(begin, end, closed="left")
        )
        on = pl.from_epoch("ordered", time_unit="s")
        refunded = pl.col("granted") & (pl.col("refund_done") < end)
        parts.append(
            mine.select(
                "order_id",
                platform=pl.lit("shopify"),
                ring=on.dt.strftime("spring_%Y"),
                ordered_on=on.dt.date(),
                is_refunded=refunded,
            )
        )
    if path.exists():
        parts.append(pl.read_csv(path, schema=types))
    # what is drawn now is newer than what was noted
    return pl.concat(parts).unique("order_id", keep="first").sort("ordered_on", "order_id")
