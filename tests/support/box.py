"""A sandbox in a process of its own, with as many customers as there are orders: what it counts, no kill can touch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from walletport.cli.serving import announce
from walletport.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PROVIDER = "conduit"


def customer(number: int) -> str:
    """Return the id of a customer who is there."""
    return f"cus_{number:022}"


@dataclass(frozen=True)
class Box:
    """A running sandbox.

    Args:
        url: its address.
        base_url: that of the vendor in it.
        settings: the credentials it accepts.
    """

    url: str
    base_url: str
    settings: dict[str, str]

    def wallets(self) -> Counter[str]:
        """Return how many wallets each customer has."""
        made = self._get("wallets")["providers"][PROVIDER]["wallets"]
        return Counter(wallet["customer_id"] for wallet in made)

    def count(self) -> int:
        """Return how many wallets were ever made."""
        found: int = self._get("wallets?counts")["providers"][PROVIDER]["count"]
        return found

    def faults(self) -> dict[str, tuple[int, int]]:
        """Return, for each fault, how many requests it could have hit and how many it hit."""
        return {one["fault"]: (one["seen"], one["hit"]) for one in self._get("faults")["faults"]}

    def _get(self, page: str) -> dict:
        with urllib.request.urlopen(f"{self.url}/_sandbox/{page}", timeout=60) as answer:
            return json.load(answer)


@contextmanager
def running_box(customers: int, faults: Iterable[str] = (), seed: int = 0) -> Iterator[Box]:
    """Run a sandbox with so many customers."""
    command = [sys.executable, "-m", "tests.support.box", str(customers), str(seed), *faults]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            vendor = told["providers"][PROVIDER]
            yield Box(told["url"], vendor["base_url"], vendor["settings"])
        finally:
            process.terminate()


def write_config(box: Box, folder: Path, journal: str, more: str = "") -> Path:
    """Write a configuration whose one account is the box's vendor; its secret is in a file beside it."""
    (folder / "key").write_text(box.settings["api_key"], "utf-8")
    path = folder / "walletport.toml"
    lines = [f'journal = "{journal}"', "[accounts.main]", f'provider = "{PROVIDER}"', f'base_url = "{box.base_url}"']
    path.write_text("\n".join([*lines, 'api_key = { file = "key" }', "timeout = 2", more, ""]), "utf-8")
    return path


def write_orders(path: Path, numbers: Iterable[int]) -> Path:
    """Write an order for each of these customers."""
    lines = [f"user-{number},polygon,{customer(number)}\n" for number in numbers]
    path.write_text("user,chain,customer_id\n" + "".join(lines), "utf-8")
    return path


def _serve(customers: int, seed: int, faults: list[str]) -> None:
    box = Sandbox([PROVIDER], seed=seed, faults=faults)
    for number in range(customers):
        box.emulators[PROVIDER].add_customer(customer(number))
    box.serve(lambda: announce(box.overview(), as_json=True))


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
