"""Every label, reason and sentence, English and Chinese, of pages, messages and the command line.

Belongs here: how numbers and days are written, catalogues of texts, sentences by rule. Does not
belong here: HTML, figures, which rows are told of.
"""
