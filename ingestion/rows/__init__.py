"""From rows of text to the rows of a feed, and what becomes of each of them.

Belongs here: values, derived columns, keys, pseudonyms, checks, rates, the account of the rows.
Does not belong here: bytes (`reading`), folders and writing (`landing`).
"""
