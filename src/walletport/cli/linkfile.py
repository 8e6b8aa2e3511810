"""A file of who is who: ``user,account,customer_id``, read whole, with every bad line found."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from walletport.errors import ConfigurationError
from walletport.provisioning.record import CustomerLink

_COLUMNS: Final = ("user", "account", "customer_id")


@dataclass
class LinkFile:
    """What stands in a file.

    Args:
        path: its name, as it was typed.
        links: who is who, with the line where each ends.
        problems: what is wrong, by line.
    """

    path: Path
    links: list[tuple[int, CustomerLink]] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)

    @property
    def error(self) -> ConfigurationError:
        """The problems, a line for each."""
        count = "1 line is" if len(self.problems) == 1 else f"{len(self.problems)} lines are"
        lines = [f"{self.path}, line {line}: {self.problems[line]}" for line in sorted(self.problems)]
        return ConfigurationError("\n".join([f"{self.path}: {count} wrong, so nothing was linked", *lines]))


def read_links(path: Path) -> LinkFile:
    """Read a file; spaces around a value are cut off, empty lines are passed over.

    Raises:
        ConfigurationError: it cannot be read, or does not begin with the names of the columns.
    """
    found = LinkFile(path)
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    for line, values in _rows(found):
        problem = _problem(values, line, seen)
        if problem:
            found.problems[line] = problem
        else:
            found.links.append((line, CustomerLink(**values)))
    return found


def _problem(values: dict[str, str], line: int, seen: dict[tuple[str, str], tuple[int, str]]) -> str | None:
    """Return what is wrong with a line by itself, or beside those before it."""
    empty = [name for name in _COLUMNS if not values.get(name)]
    if empty:
        return f"{' and '.join(empty)} must not be empty"
    who = (values["user"], values["account"])
    first, customer_id = seen.setdefault(who, (line, values["customer_id"]))
    if customer_id != values["customer_id"]:
        return f"line {first} says that this user is another customer at {values['account']}"
    return None


def _rows(found: LinkFile) -> Iterator[tuple[int, dict[str, str]]]:
    """Walk through the lines of a file that have the shape of a line."""
    try:
        with found.path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            columns = [name.strip() for name in next(reader, [])]
            if sorted(columns) != sorted(_COLUMNS):
                msg = f"{found.path}: the first line must be {','.join(_COLUMNS)}"
                raise ConfigurationError(msg)
            try:
                for cells in reader:
                    if len(cells) == len(columns):
                        yield reader.line_num, dict(zip(columns, map(str.strip, cells), strict=True))
                    elif cells:
                        found.problems[reader.line_num] = f"has {len(cells)} values, and {len(columns)} are wanted"
            except csv.Error as error:
                found.problems[reader.line_num] = f"is not CSV ({error}); the lines after it were not read"
    except OSError as error:
        problem = f"cannot be read ({error.strerror or 'it is no file'})"
    except UnicodeDecodeError:
        problem = "is not UTF-8: save it as UTF-8"
    else:
        return
    msg = f"{found.path}: {problem}"
    raise ConfigurationError(msg)
