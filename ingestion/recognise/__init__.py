"""From files nobody has described to a proposed mapping, each guess with how sure it is and why.

Belongs here: evidence from names and values, the word tables, trying a mapping without landing.
Does not belong here: writing files, printing, asking (orchestration's command line does that).
"""

from ingestion.recognise.proposal import FILL_IN, Proposal, Reading, Sure, Trial
from ingestion.recognise.propose import Told, nearest_format, propose_shop
from ingestion.recognise.render import write
from ingestion.recognise.trial import try_file

__all__ = [
    "FILL_IN",
    "Proposal",
    "Reading",
    "Sure",
    "Told",
    "Trial",
    "nearest_format",
    "propose_shop",
    "try_file",
    "write",
]
