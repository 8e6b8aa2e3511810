"""Exactly once: from an intent in the journal to a wallet, whatever fails on the way.

``machine`` is the pure state machine, ``program`` carries one order out, ``desk`` holds what can be asked of several
accounts, ``port`` is what applications open.
"""
