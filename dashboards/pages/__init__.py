"""One module a page or part of a page: which rows it shows and what it says about them."""
