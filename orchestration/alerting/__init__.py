"""Which incidents are told, and how a message gets out. Its words are in `dashboards.wording`."""
