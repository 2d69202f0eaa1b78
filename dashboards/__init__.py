"""Published frames to static pages: HTML that is complete without scripts, Plotly for the charts.

Belongs here: pages, charts, themes, texts in both languages, sentences about numbers.
Does not belong here: DuckDB, Dagster, statistical models, anything that computes a KPI.
"""
