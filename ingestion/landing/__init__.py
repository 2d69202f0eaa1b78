"""From the inbox to immutable batches, and what is asked of them afterwards.

Belongs here: which files there are, their manifests, landing whole or block by block, drafts,
totals for the reconciliation, erasing. Does not belong here: the ledger, locks, clocks and keys,
which orchestration owns.
"""
