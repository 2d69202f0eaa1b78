"""From the bytes of a file to rows of text, each with its place in the file.

Belongs here: archives, checks before reading, encodings, and one module a kind of file. Does not
belong here: what a column means (`mapping`), values and rows of a feed (`rows`).
"""
