"""How many planted drops the GMV detector finds at a given rate of false alarms, and how fast.

The simulation of METRICS.md 4: 8 series x 3 years, weekday pattern, AR(.4) noise of 4 %, trend,
promotions whose strength varies by 12 % from year to year, 96 one-day drops of 10 to 50 % in the
second and third year. Recall is read at the score whose false alarms come once a month (once a
quarter) either in each series, or in all eight together, which is eight times stricter.

Run: python benchmarks/anomaly_bench.py [--seeds 10]
     python benchmarks/anomaly_bench.py --seeds 3 --peer-python PYTHON
The second stands other detectors beside it on the same simulations; PYTHON is that of an
environment with statsmodels and prophet (`anomaly_peers.py`).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.baseline import DetectorParams, EventKeys, one_step_ahead

SERIES, DAYS, DROPS, FIRST_DROP = 8, 1096, 96, 366
START = date(2023, 11, 1)
LUNAR_NEW_YEARS = (date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17))
# Event: (days before, days after, log effect on its main day, log effect at the window's edge).
EVENTS = {
    "618": (3, 3, 0.9, 0.15),
    "double_11": (3, 3, 1.4, 0.2),
    "double_12": (3, 3, 0.7, 0.1),
    "lunar_new_year": (7, 10, -0.7, -0.2),
}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Simulation:
    """Log values, the calendar and the planted truth.

    Attributes:
        values: series x days, log KPI.
        weekdays: weekday of each day.
        key: event day of each day, -1 on ordinary days.
        instance: event and year of each day, -1 on ordinary days.
        d_day: true on main days.
        fallback: previous day of the same event for each key.
        dropped: series x days, true where a drop was planted.
    """

    values: Floats
    weekdays: npt.NDArray[np.int64]
    key: npt.NDArray[np.int64]
    instance: npt.NDArray[np.int64]
    d_day: npt.NDArray[np.bool_]
    fallback: npt.NDArray[np.int64]
    dropped: npt.NDArray[np.bool_]


def _main_days() -> list[tuple[str, date]]:
    fixed = [("618", 6, 18), ("double_11", 11, 11), ("double_12", 12, 12)]
    days = [(name, date(year, m, d)) for name, m, d in fixed for year in range(2023, 2027)]
    return sorted(days + [("lunar_new_year", day) for day in LUNAR_NEW_YEARS], key=lambda x: x[1])


def simulate(seed: int, drops: int = DROPS, per_day_strength: bool = False) -> Simulation:
    """One simulated company.

    Args:
        seed: of the random generator.
        drops: planted one-day drops over all series.
        per_day_strength: the 12 % vary by event day and not by event: the harder reading, in
            which the first days of a promotion say nothing about the later ones.
    """
    rng = np.random.default_rng(seed)
    weekdays = np.array([(START + timedelta(i)).weekday() for i in range(DAYS)])
    key = np.full(DAYS, -1)
    instance, d_day, fallback = key.copy(), np.zeros(DAYS, dtype=bool), []
    values = rng.uniform(8, 12, (SERIES, 1)) + rng.uniform(0, 0.3, (SERIES, 1)) * (
        np.arange(DAYS) / 365
    )
    values = values + rng.normal(0, 0.12, (SERIES, 7))[:, weekdays]
    noise = rng.normal(0, 0.04 * np.sqrt(1 - 0.4**2), (SERIES, DAYS))
    for day in range(1, DAYS):
        noise[:, day] += 0.4 * noise[:, day - 1]
    first_key = {}
    for name, (before, after, _, _) in EVENTS.items():
        first_key[name] = len(fallback)
        fallback += [-1, *range(len(fallback), len(fallback) + before + after)]
    for number, (name, main) in enumerate(_main_days()):
        before, after, peak, edge = EVENTS[name]
        year = rng.normal(0, 0.12, (SERIES, 1 if not per_day_strength else before + after + 1))
        for offset in range(-before, after + 1):
            day = (main - START).days + offset
            if 0 <= day < DAYS:
                share = 1 - abs(offset) / (before + 1 if offset < 0 else after + 1)
                shape = edge + (peak - edge) * share**2
                values[:, day] += shape + year[:, (offset + before) if per_day_strength else 0]
                key[day], instance[day] = first_key[name] + offset + before, number
                d_day[day] = offset == 0
    values = values + noise
    dropped = np.zeros((SERIES, DAYS), dtype=bool)
    for row in range(SERIES):
        slots = rng.choice(np.arange(FIRST_DROP, DAYS, 4), drops // SERIES, replace=False)
        dropped[row, slots + rng.integers(0, 3, len(slots)).clip(0, DAYS - 1 - slots)] = True
    values[dropped] += np.log(1 - rng.uniform(0.1, 0.5, dropped.sum()))
    return Simulation(values, weekdays, key, instance, d_day, np.array(fallback), dropped)


def scores(
    simulation: Simulation, with_calendar: bool, params: DetectorParams | None = None
) -> Floats:
    """Robust z of every day (NaN where there is no baseline), series x days."""
    shape = simulation.values.shape

    def wide(row: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The same calendar for every series, or none."""
        return np.broadcast_to(row if with_calendar else np.full_like(row, -1), shape)

    events = EventKeys(
        wide(simulation.key),
        wide(simulation.instance),
        np.broadcast_to(simulation.d_day & with_calendar, shape),
        simulation.fallback,
    )
    usable = np.ones(shape, dtype=bool)
    base = one_step_ahead(
        simulation.values, simulation.weekdays, usable, events, params or DetectorParams()
    )
    return np.where(base.known, (simulation.values - base.mean) / base.scale, np.nan)


def recall(simulation: Simulation, z: Floats, false_alarms_per_day: float) -> float:
    """Share of planted drops below the score that gives this rate of false alarms.

    Days without a baseline cannot alarm, so a drop there counts as missed.
    """
    judged = np.zeros_like(simulation.dropped)
    judged[:, FIRST_DROP:] = True
    quiet = np.sort(np.nan_to_num(z[judged & ~simulation.dropped], nan=np.inf))
    allowed = int(np.floor(false_alarms_per_day * len(quiet)))
    bound = quiet[allowed]
    return float(np.mean(np.nan_to_num(z[simulation.dropped], nan=np.inf) < bound))


RATES = {
    "a month in each series": 12 / 365.25,
    "a quarter in each series": 4 / 365.25,
    "a month in all 8 together": 12 / 365.25 / SERIES,
    "a quarter in all 8 together": 4 / 365.25 / SERIES,
}


def _alerts(simulation: Simulation, z: Floats) -> tuple[float, float]:
    """Recall and false alarms a series and year at the shipped threshold."""
    hit = np.nan_to_num(z, nan=0.0) <= -DetectorParams().threshold
    quiet = hit[:, FIRST_DROP:] & ~simulation.dropped[:, FIRST_DROP:]
    years = SERIES * (DAYS - FIRST_DROP) / 365.25
    return float(hit[simulation.dropped].mean()), float(quiet.sum() / years)


def beside(seeds: range, python: Path) -> None:
    """Print the recalls of the product and of other detectors, all on the same simulations."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)

    def take(name: str, simulation: Simulation, z: Floats, taken: float) -> None:
        found[name].append([recall(simulation, z, rate) for rate in RATES.values()])
        seconds[name].append(taken)

    for seed in seeds:
        simulation, began = simulate(seed), time.process_time()
        z = scores(simulation, with_calendar=True)
        take("kpi-warehouse", simulation, z, (time.process_time() - began) / SERIES)
        with tempfile.TemporaryDirectory() as folder:
            given, got = Path(folder, "in.npz"), Path(folder, "out.npz")
            np.savez(given, values=simulation.values, key=simulation.key, start=str(START))
            script = Path(__file__).with_name("anomaly_peers.py")
            subprocess.run([python, script, given, got], check=True)
            with np.load(got) as scored:
                for name in (one for one in scored.files if "|" not in one):
                    take(name, simulation, scored[name], float(scored[f"{name}|seconds"]))
    print("| false alarms |", " | ".join(found), "|")
    for number, rate in enumerate(RATES):
        means = (f"{np.mean([row[number] for row in rows]):.3f}" for rows in found.values())
        print(f"| 1 {rate} |", " | ".join(means), "|")
    print("| CPU s a series |", " | ".join(f"{np.mean(s):.3f}" for s in seconds.values()), "|")


def main() -> None:
    """Print the table of recalls, means over seeds, and the time a series takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--peer-python", type=Path, help="of an environment with the others")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    if options.peer_python:
        beside(seeds, options.peer_python)
        return
    for per_day in (False, True):
        print(f"\nstrength varies by {'event day' if per_day else 'event and year'}")
        for calendar in (True, False):
            before, runs = resource.getrusage(resource.RUSAGE_SELF).ru_utime, []
            started = time.perf_counter()
            for seed in seeds:
                simulation = simulate(seed, per_day_strength=per_day)
                runs.append((simulation, scores(simulation, calendar)))
            wall = (time.perf_counter() - started) / len(seeds) / SERIES
            cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
            print(f"  {'with' if calendar else 'without'} the calendar")
            for name, rate in RATES.items():
                found = [recall(*run, rate) for run in runs]
                low, high = min(found), max(found)
                print(f"    1 {name:28s} {np.mean(found):.3f}  ({low:.3f} to {high:.3f})")
            hits, false = np.mean([_alerts(*run) for run in runs], axis=0)
            print(f"    at z <= -3.5: recall {hits:.3f}, {false:.2f} false a series and year")
            print(f"    {wall:.3f} s wall, {cpu / len(seeds) / SERIES:.3f} s CPU a series")


if __name__ == "__main__":
    main()
