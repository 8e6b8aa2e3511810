"""Bad lines of a file: the first ones for people, all of them for machines or in a file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from walletport.cli.output import print_error

if TYPE_CHECKING:
    from walletport.jobs.checking import BadLines


def tell_problems(error: BadLines, path: Path | None, *, as_json: bool) -> None:
    """Print the first bad lines, and write all of them where that was asked for."""
    more: dict[str, object] = {}
    if as_json:
        more["lines"] = [{"line": line, "reason": reason} for line, reason in error.problems.first()]
    step = None
    if path is not None:
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(["line", "reason"])
                table.writerows(error.problems.first())
        except OSError as failure:
            step = f"{path} cannot be written ({failure.strerror}): name another file in --problems"
    elif not as_json and error.is_long:
        step = "--problems FILE writes every one of them to a file"
    print_error(error, as_json=as_json, step=step, more=more)
