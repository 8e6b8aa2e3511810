"""Who names an account's limit: whoever configures it, and otherwise the provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from walletport import Config
from walletport.capabilities import RateLimit
from walletport.config import Account
from walletport.provisioning.wiring import desk_of
from walletport.sandbox import Sandbox
from walletport.transport.engine import SystemClock


@pytest.mark.parametrize(
    ("configured", "declared", "rate"),
    [(None, None, None), (50, None, 48.5), (None, 100, 97), (50, 100, 48.5), (200, 100, 194)],
)
def test_a_configured_limit_goes_before_one_the_provider_declares(  # noqa: PLR0917 - who says what
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    configured: float | None,
    declared: float | None,
    rate: float | None,
) -> None:
    """A little less is sent than either says, because requests do not arrive as evenly as they leave."""
    settings = sandbox.emulators["conduit"].settings
    account = Account.of("main", "conduit", base_url=sandbox.base_url("conduit"), rate_limit=configured, **settings)
    says = account.kind.capabilities.model_copy(update={"rate_limit": RateLimit(requests_per_second=declared)})
    monkeypatch.setattr(account.kind, "capabilities", says)
    desk, journal = desk_of(
        Config(accounts={"main": account}, journal=f"sqlite:///{tmp_path / 'journal.db'}"), SystemClock()
    )
    with journal:
        assert desk.rate("main") == (None if rate is None else pytest.approx(rate))
