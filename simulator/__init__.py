"""A demo company whose shops export files as the platforms write them, with planted truths.

Belongs here: everything that makes up the demo company. Knows no landing and no pipeline: it writes
export files and beside them what was planted, which the pipeline never reads.
"""

from simulator.run import SimulationReport, default_window, simulate
from simulator.truth import Simulation, load_simulation

__all__ = ["Simulation", "SimulationReport", "default_window", "load_simulation", "simulate"]
