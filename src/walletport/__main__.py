"""``python -m walletport``: the same as the command ``walletport``."""

from walletport.cli import main

main()
