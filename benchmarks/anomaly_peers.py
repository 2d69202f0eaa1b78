"""Other detectors of odd days, on the simulations of `anomaly_bench.py`: scores of every day.

Belongs here: functions of the log values of one simulation, run in a process of another environment
(`anomaly_bench.py --peer-python`), so that imports are inside and nothing of the project is. STL
and Prophet see the whole series, also the days after the one they score, which the product's
detector never does. That favours them; the last is fitted to days before alone, as a run has to.

Run: PYTHON anomaly_peers.py IN.npz OUT.npz   (arrays values, key, start)
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_MAD = 1.4826
_WEEKS, _YEAR = 8, 366


def _robust(residuals: Floats) -> Floats:
    middle = np.nanmedian(residuals)
    return np.asarray((residuals - middle) / (_MAD * np.nanmedian(np.abs(residuals - middle))))


def weekday_z(sim: dict[str, Any]) -> Floats:
    """Distance from the mean of the same weekdays of eight weeks before, in their deviations."""
    values = sim["values"]
    past = np.stack([np.roll(values, 7 * week, axis=1) for week in range(1, _WEEKS + 1)])
    z = (values - past.mean(axis=0)) / past.std(axis=0, ddof=1)
    z[:, : 7 * _WEEKS] = np.nan
    return np.asarray(z)


def stl_mad(sim: dict[str, Any]) -> Floats:
    """Robust STL of weeks; its remainder by the MAD."""
    from statsmodels.tsa.seasonal import STL

    return np.stack([_robust(STL(row, period=7, robust=True).fit().resid) for row in sim["values"]])


def _fitted(sim: dict[str, Any], row: Floats, until: int) -> Floats:
    """What Prophet says of all days, fitted to those before `until`, with the same events."""
    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    days = pd.DataFrame({"ds": pd.date_range(str(sim["start"]), periods=len(row)), "y": row})
    inside = sim["key"] >= 0
    # A day of an event has a name of its own, as it has in the product's calendar.
    holidays = pd.DataFrame({
        "ds": days["ds"][inside], "holiday": [f"event_{key}" for key in sim["key"][inside]],
    })  # fmt: skip
    model = Prophet(holidays=holidays, weekly_seasonality=True, yearly_seasonality=True)
    model.fit(days[:until])
    return np.asarray(model.predict(days)["yhat"])


def prophet(sim: dict[str, Any]) -> Floats:
    """Prophet fitted to all days; what is left by the MAD."""
    return np.stack([_robust(row - _fitted(sim, row, len(row))) for row in sim["values"]])


def prophet_ahead(sim: dict[str, Any]) -> Floats:
    """Prophet fitted twice a year to the days before; what is left by the MAD of these."""
    found = np.full(sim["values"].shape, np.nan)
    for number, row in enumerate(sim["values"]):
        for first in range(_YEAR, len(row), _YEAR // 2):
            ahead = slice(first, first + _YEAR // 2)
            left = row - _fitted(sim, row, first)
            middle = np.median(left[:first])
            spread = _MAD * np.median(np.abs(left[:first] - middle))
            found[number, ahead] = (left[ahead] - middle) / spread
    return found


PEERS = {"same-weekday z": weekday_z, "STL + MAD": stl_mad, "Prophet": prophet,
         "Prophet, from the days before": prophet_ahead}  # fmt: skip


def main() -> None:
    """Score the simulation of a file with every peer that is installed; say how long each took."""
    source, target = (Path(name) for name in sys.argv[1:])
    with np.load(source) as file:
        sim = {name: file[name] for name in file.files}
    out: dict[str, Any] = {}
    for name, peer in PEERS.items():
        started = time.process_time()
        try:
            out[name] = peer(sim)
        except ImportError as missing:
            print(f"{name}: {missing}", file=sys.stderr)
            continue
        out[f"{name}|seconds"] = (time.process_time() - started) / len(sim["values"])
    np.savez(target, **out)


if __name__ == "__main__":
    main()
