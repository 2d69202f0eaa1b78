"""The daily and the weekly letter: the sentences of the pages, as mail and as a card of a chat."""
