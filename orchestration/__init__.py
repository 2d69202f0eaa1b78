"""The only room that knows Dagster, DuckDB files, clocks, environment and secrets.

Belongs here: composing the other rooms into a run that is a transaction, and the command line.
Does not belong here: business formulas.
"""
