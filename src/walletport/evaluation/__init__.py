"""The vendor comparison: the same work for every account, what was measured, what was proved, and a page about it.

`run.evaluate` does the work and returns a `report.Report`; everything else reads reports: `page`, `compare`, `score`.
"""
