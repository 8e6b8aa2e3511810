"""Which account is better, from what the journal knows: an answer that looking at it often does not spoil.

Needs ``walletport[experiment]``; the libraries are loaded on use.
"""

from walletport.experiment.report import AccountResult, Comparison, Experiment, Times
from walletport.experiment.running import experiment, run

__all__ = ["AccountResult", "Comparison", "Experiment", "Times", "experiment", "run"]
