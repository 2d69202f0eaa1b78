"""What every page is built on: typed frames, the pieces of HTML, colours."""
