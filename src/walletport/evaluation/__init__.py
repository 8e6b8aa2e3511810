"""The vendor comparison: the same work for every account, what was measured, what was proved, and a page about it.

`evaluate` does the work and returns a `Report`; everything else reads reports: `page`, `compare`, `score`.
"""

from walletport.evaluation.plan import Work
from walletport.evaluation.report import AccountReport, Finding, Report, Verdict, read_report
from walletport.evaluation.run import evaluate
from walletport.evaluation.subject import Subject, subjects_of

__all__ = ["AccountReport", "Finding", "Report", "Subject", "Verdict", "Work", "evaluate", "read_report", "subjects_of"]
