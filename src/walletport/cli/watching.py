"""How far a bulk run has come: a bar on a terminal, plain lines elsewhere; both on standard error."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console

from walletport.cli.output import plain

if TYPE_CHECKING:
    from rich.progress import Progress

    from walletport.jobs.bulk import Watch
    from walletport.jobs.record import Job

_EVERY: Final = 10.0  # seconds between two lines
_LOOKS_BACK: Final = 30.0  # seconds; the rate is that of the last so many


def say(line: str) -> None:
    """Print a line on standard error, at once."""
    print(plain(line), file=sys.stderr, flush=True)  # noqa: T201


class Meter:
    """Counts what has ended, and says how fast it goes and how long it takes.

    Args:
        now: tells the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.total, self.items = 0, "orders"
        self.counts: dict[str, int] = {}
        self._points: deque[tuple[float, int]] = deque()

    def start(self, job: Job) -> None:
        """Begin where a job stands: what an earlier run has done counts as done, and not for the rate."""
        self.total, self.items, self.counts = job.total, job.items, dict(job.counts)
        self._points = deque([(self._now(), self.ended)])

    def set(self, job: Job) -> None:
        """Take over the counts of a job as it stands."""
        self.total, self.counts = job.total, dict(job.counts)
        self._mark()

    def add(self, ended: Mapping[str, int]) -> None:
        """Count what has ended since."""
        for state, number in ended.items():
            self.counts[state] = self.counts.get(state, 0) + number
            self.counts["planned"] = self.counts.get("planned", 0) - number
        self._mark()

    @property
    def ended(self) -> int:
        """How many orders have ended."""
        return sum(number for state, number in self.counts.items() if state != "planned")

    @property
    def rate(self) -> float:
        """How many orders end in a second."""
        (began, first), (now, last) = self._points[0], (self._now(), self.ended)
        return (last - first) / (now - began) if now > began else 0.0

    @property
    def sentence(self) -> str:
        """How far it has come, in one line."""
        missing = [f"{number:,} {state}" for state, number in self.counts.items() if state not in ("planned", "done")]
        told = f"{self.ended:,} of {self.total:,} {self.items}, {self.rate:,.0f}/s"
        if self.rate > 0 and self.ended < self.total:
            told += f", {duration((self.total - self.ended) / self.rate)} left"
        return ", ".join([told, *(one for one in missing if not one.startswith("0 "))])

    def _mark(self) -> None:
        now = self._now()
        if now - self._points[-1][0] >= 0.5:  # noqa: PLR2004 - seconds; more points tell nothing more
            self._points.append((now, self.ended))
        while len(self._points) > 1 and now - self._points[1][0] > _LOOKS_BACK:
            self._points.popleft()


def duration(seconds: float) -> str:
    """Return a time in words, as exactly as matters."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class Steps:
    """Shows one step after the other: reading, committing, carrying out.

    Args:
        say: prints a line where there is no terminal.
        progress: the bar, on a terminal.
    """

    def __init__(self, say: Callable[[str], None], progress: Progress | None) -> None:
        self._say = say
        self._progress = progress
        self._task = progress.add_task("", total=None) if progress else None
        self._said_at = time.monotonic()
        self.meter = Meter()

    @property
    def watch(self) -> Watch:
        """What is told how far a run has come, and shows it here."""
        from walletport.jobs.bulk import Watch  # noqa: PLC0415 - a database is a lot to load for --version

        return Watch(
            checking=lambda size: self.begin("Checking", size),
            checked=self.advance,
            planning=lambda total: self.begin("Committing", total),
            planned=self.advance,
            running=self.run,
            ended=self.ended,
            stands=self.stands,
        )

    def begin(self, what: str, total: int) -> None:
        """Begin a step whose length is known."""
        if self._progress is not None and self._task is not None:
            self._progress.reset(self._task, total=total, description=what, told="")

    def advance(self, done: int) -> None:
        """Go on in a step; can be called in any thread."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, done)

    def run(self, job: Job) -> None:
        """Begin with the orders themselves."""
        self.meter.start(job)
        self.begin("Carrying out", job.total)
        self._show(now=True)

    def ended(self, ended: Mapping[str, int]) -> None:
        """Count what has ended."""
        self.meter.add(ended)
        self._show()

    def stands(self, job: Job) -> None:
        """Show how a job stands that others carry out."""
        self.meter.set(job)
        self._show()

    def say(self, line: str) -> None:
        """Say something in between."""
        if self._progress is not None:
            self._progress.console.print(plain(line), markup=False, highlight=False)
        else:
            self._say(line)

    def _show(self, *, now: bool = False) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=self.meter.ended, told=self.meter.sentence)
        elif now or time.monotonic() - self._said_at >= _EVERY:
            self._said_at = time.monotonic()
            self._say(self.meter.sentence)


@contextmanager
def steps(*, quiet: bool) -> Iterator[Steps]:
    """Show how far work has come, on standard error.

    Args:
        quiet: whether to show nothing, for machines.
    """
    console = Console(stderr=True)
    if quiet:
        yield Steps(lambda _: None, None)
        return
    if not console.is_terminal:
        yield Steps(say, None)
        return
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - for few commands

    told = TextColumn("{task.fields[told]}", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), told)
    with Progress(*columns, console=console, transient=True) as progress:
        yield Steps(lambda _: None, progress)
