"""Distributions that are installed for one test only, so that providers can enter through their usual door."""

from __future__ import annotations

from pathlib import Path


def install(
    folder: Path, providers: dict[str, str], distribution: str = "acme-wallets", version: str = "1.2.3"
) -> None:
    """Write what pip leaves of an installed distribution, without its code.

    Args:
        folder: where; put it on the path.
        providers: for each entry point its target, such as ``{"toy": "tests.support.toy:Toy"}``.
        distribution: the distribution's name.
        version: its version.
    """
    info = folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = "".join(f"{name} = {target}\n" for name, target in providers.items())
    (info / "entry_points.txt").write_text(f"[walletport.providers]\n{lines}")
