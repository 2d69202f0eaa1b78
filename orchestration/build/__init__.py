"""The build file from landing to the published generation: raw views, dbt, audit, gate."""
