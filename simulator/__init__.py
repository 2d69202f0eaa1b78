"""A demo company whose shops export files as the platforms write them, with planted truths.

Belongs here: everything that makes up the demo company. Knows no landing and no pipeline: it writes
export files and beside them what was planted, which the pipeline never reads.
"""
