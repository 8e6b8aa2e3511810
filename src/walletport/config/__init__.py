"""The accounts, the routes between them and the journal: from a TOML file, or made in code.

A mistake is one line, ``key: what to type``, and all mistakes come in one error. A secret is named in the file, never
written there, and what was typed for a value stands in no message.
"""

from walletport.config.account import Account
from walletport.config.file import load_config
from walletport.config.model import Config

__all__ = ["Account", "Config", "load_config"]
