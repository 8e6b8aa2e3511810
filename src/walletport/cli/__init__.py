"""The command line: parsing, printing and exit status; what it does is done in the rooms below.

Exit status: 0 done, 1 a clear error, 2 wrong usage, 130 interrupted.
"""

from walletport.cli.main import main

__all__ = ["main"]
