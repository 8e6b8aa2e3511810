"""The state machine is drawn in the docs as it is."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from walletport.provisioning import machine
from walletport.provisioning.machine import Event, Known, Policy, State, after
from walletport.provisioning.recording import STORY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "orders.md"
EDGE = re.compile(r"^    (\S+) --> (\w+)(?:: (.+))?$", re.MULTILINE)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG = timedelta(days=1)


def plain(word: str) -> str:
    """Return an event's word as a drawing can hold it, where a colon ends the name of a state."""
    return word.replace(":", "")


def drawn() -> list[tuple[str, str, str]]:
    """Return the arrows of the page: from, to, and the words of the event."""
    (drawing,) = re.findall(
        r"^```mermaid\nstateDiagram-v2\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert len(EDGE.findall(drawing)) == len(drawing.splitlines()), "every line is an arrow"
    return [
        (start, end, word)
        for start, end, words in EDGE.findall(drawing)
        for word in (words.split(", ") if words else [""])
    ]


def events() -> list[Event]:
    """Return every event, in every form that leads elsewhere."""
    return [
        machine.SendBegan(NOW),
        machine.Made(NOW),
        *(machine.Refused(NOW, retryable=retryable, wait=LONG) for retryable in (True, False)),
        *(machine.Doubtful(NOW, applied=applied, wait=LONG) for applied in (True, False)),
        machine.ApprovalAsked(NOW),
        *(machine.Absent(began_at) for began_at in (NOW, NOW + 3 * LONG)),
        machine.LookUpFailed(NOW, LONG),
        machine.ProcessDied(NOW),
        machine.NobodyKnows(),
        machine.ReviewedAbsent(),
        machine.ApprovalRefused(),
        machine.AskedAgain(),
        machine.FailedOver(),
        machine.HadAlready(),
    ]


def known() -> Iterator[Known]:
    """Return all that may be known of an order, as far as it leads elsewhere."""
    many = (0, 1, 100)
    times = (None, NOW - 2 * LONG, NOW)
    for state, sends, look_ups, doubtful, applied, first, last in itertools.product(
        State, many, many, (True, False), (True, False), times, times
    ):
        yield Known(state, 1, sends, first, last, doubtful, applied, look_ups)


def test_the_drawing_shows_every_step_that_is_possible_and_no_other() -> None:
    """In the words in which an order's story tells them."""
    policy = Policy(resend_within=LONG, can_find=True, settle=LONG)
    possible = {
        (before.state.value, after(before, event, policy).state.value, plain(STORY[type(event)]))
        for before in known()
        for event in events()
        if type(event) in machine._POSSIBLE[before.state]
        if not (before.doubtful and isinstance(event, machine.FailedOver))  # which has a test of its own
    }
    assert set(drawn()) == possible | {("[*]", "planned", "")}
    assert len(drawn()) == len(set(drawn())), "no arrow is drawn twice"


def test_every_event_of_the_machine_is_tried() -> None:
    """So that a new one has to be drawn."""
    assert {type(event) for event in events()} == set().union(*machine._POSSIBLE.values()) == set(STORY)


def test_the_table_of_states_names_each_once() -> None:
    """Beside what it means, and what happens next."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == [state.value for state in State]
