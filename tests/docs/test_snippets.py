"""Every Python block in the README and the docs runs as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import walletport
from walletport.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def running() -> Iterator[Sandbox]:
    """Run the sandbox that a page talks to; the users of another page are strangers to it."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "page", [page for page in PAGES if BLOCK.search(page.read_text("utf-8"))], ids=lambda page: page.name
)
def test_the_blocks_of_a_page_run_in_order(page: Path, running: Sandbox) -> None:
    """The blocks of one page share their names, as a reader who types them in would have it."""
    customer = running.emulators["conduit"].default_customer
    with walletport.Client(
        "conduit", base_url=f"{running.url}/conduit/v2", **running.emulators["conduit"].settings
    ) as client:
        wallet = client.create_wallet(customer_id=customer, chain="ethereum")
    names: dict[str, object] = {
        "sandbox": running.url,
        "emulators": running.emulators,
        "credentials": {name: dict(emulator.settings) for name, emulator in running.emulators.items()},
        "customers": {name: emulator.default_customer for name, emulator in running.emulators.items()},
        "conduit_wallet_id": wallet.id,
    }
    try:
        for block in BLOCK.findall(page.read_text("utf-8")):
            exec(compile(block, str(page), "exec"), names)
    finally:  # a page shows clients without closing each
        for client in [value for value in names.values() if isinstance(value, walletport.Client)]:
            client.close()
