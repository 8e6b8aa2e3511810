"""What is left to write says so; delete this file, and the test that asks it, once nothing imports it any more."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NoReturn

from walletport.errors import UnsupportedOperation


def unwritten(where: str, what: str) -> NoReturn:
    """Say what is to be written.

    Args:
        where: the file and the method.
        what: a sentence about what it must do.
    """
    msg = f"still to be written, {where}: {what}"
    raise UnsupportedOperation(msg)


def left() -> list[str]:
    """List everything that is left to write, by file and line."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*.py")):
        calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id == unwritten.__name__:
                where, what = (ast.literal_eval(argument) for argument in call.args)
                found.append(f"line {call.lineno} of {where}: {what}")
    return found
