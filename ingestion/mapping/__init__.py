"""What a shop or a format may say about its files, checked before any file is read.

Belongs here: the vocabulary, the rules, formats, the sources of shop.yml. Does not belong here:
carrying any of it out (`reading`, `rows`).
"""
