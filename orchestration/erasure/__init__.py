"""`kpi forget`: a person's key replaced everywhere, provably and as one step."""
