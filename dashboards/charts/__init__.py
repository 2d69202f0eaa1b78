"""What charts look like. Which rows they show is decided by the pages."""
