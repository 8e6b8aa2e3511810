"""What Acme's refusals mean."""

from __future__ import annotations

from walletport.errors import WalletportError
from walletport.provider import Request, Response
from walletport_acme.unwritten import unwritten


def error_of(request: Request, response: Response) -> WalletportError | None:
    """Return the error that an answer stands for, or ``None`` for a success."""
    if response.ok:
        return None
    unwritten(
        "errors.py error_of",
        "return error_for_status(response, provider_code=code_of(...), request_id=request_id_of(...)), and before it a "
        "class of its own for each code that says more than its status; no text of the vendor's goes into a message",
    )
