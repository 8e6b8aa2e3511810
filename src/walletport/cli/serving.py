"""`walletport sandbox`: what is printed once the emulators take requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from walletport.cli.output import Output

if TYPE_CHECKING:
    from walletport.sandbox import Overview


def announce(overview: Overview, *, as_json: bool) -> None:
    """Print where the emulators are and what they accept; as JSON in one line, for whoever waits for it."""
    if as_json:
        print(json.dumps(overview), flush=True)  # noqa: T201 - printing is this room's business
        return
    output = Output()
    output.line(f"The sandbox is at {overview['url']}. Ctrl-C ends it.")
    output.table(
        ["provider", "pass", "value"],
        [
            [provider if not position else "", name, value]
            for provider, vendor in overview["providers"].items()
            for position, (name, value) in enumerate(
                {"base_url": vendor["base_url"], **vendor["settings"], "customer_id": vendor["customer_id"]}.items()
            )
        ],
    )
    output.line()
    for provider, reason in overview["failed"].items():
        output.line(f"{provider} is left out: {reason}")
    output.line("Clock, faults, requests and wallets:")
    for url in overview["control"]:
        output.line(f"  {url}")
    output.flush()
