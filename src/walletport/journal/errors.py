"""What goes wrong in the journal itself."""

from __future__ import annotations

from typing import ClassVar

from walletport.errors import Outcome, WalletportError


class JournalError(WalletportError):
    """The journal could not do that; the message says why, in one sentence without SQL and without values.

    Nothing of the piece of work that met it is half written. The one thing nobody can tell is a connection that broke
    during the commit itself: then everything of that piece may stand after all. Its ``outcome`` is ``unknown``, because
    a journal that fails says nothing about the order; ``retryable`` says whether the same write may succeed later.
    """

    default_outcome: ClassVar[Outcome] = "unknown"


class LostClaim(JournalError):
    """Another process has taken this order, or has written to it; what that one committed is what counts."""
