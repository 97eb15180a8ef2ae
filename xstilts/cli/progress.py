"""The progress of a run: a live table on a terminal, a quiet log elsewhere.

The engine calls `Progress.update(snapshot)` from one thread, as often as it likes. A snapshot is
the whole state, so losing one is harmless. On a terminal, a table is redrawn in place. Elsewhere (a
file, a pipe, the log of a batch system) there is a line every `QUIET_SECONDS`, and one when phases
have finished, but at most one every `CHANGE_SECONDS`. At the end of the `with` block, also after an
error or Ctrl-C, the terminal is restored and a summary is written. No thread outlives the block,
and no error is swallowed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, cast

from rich.console import Console, Group
from rich.text import Text

from xstilts.cli.console import plain, say
from xstilts.store.ledger import State

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

QUIET_SECONDS = 30.0
"""Longest time between two lines, without a terminal."""
CHANGE_SECONDS = 5.0
"""Shortest time between two lines, without a terminal."""
STATES = (
    State.DONE,
    State.RUNNING,
    State.WAITING,
    State.FAILED,
    State.BLOCKED,
    State.PRUNED,
    State.CACHED,
)
"""Order of the counts wherever they are shown."""
FINISHED = (State.DONE, State.FAILED, State.PRUNED)
"""States of phases that this run has finished; a line tells of them."""
SHOWN_PHASES = 8
SHOWN_STUDIES = 12


class RunningPhase(TypedDict, total=False):
    """One running phase."""

    name: str
    """Its slot's label: `squad→xnli seed 1`."""
    step: int
    steps: int
    value: float | None
    """Last development score in percent."""
    doing: str
    """What it does before its next step: `loading the model`."""
    rate: str
    """How fast it is: `12,300 tokens/s`."""


class Snapshot(TypedDict, total=False):
    """The state of a run. What is left out is not shown."""

    doing: str
    """What the run does before it can hand out phases: `starting Ray`."""
    counts: dict[str, int]
    """Phases by state, one of `STATES`."""
    running: list[RunningPhase]
    best: dict[str, float]
    """Study to its best development score so far, in percent."""
    total: int
    """Phases in all."""
    slots: int
    """Phases that fit on the cluster now."""
    eta_seconds: float | None
    """The engine's estimate of the time left."""
    translating: list[dict[str, Any]]
    """Translations of training rows that run now: `language`, `done` and `of` sentences,
    `seconds_left`.
    """


def duration(seconds: float | None) -> str:
    """`3 s`, `12 min`, `2 h 05 min`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def counts_text(counts: Mapping[str, int]) -> str:
    """`12 done, 2 running, 1 failed`: `done`, and the other states that are not at zero."""
    shown = [
        f"{counts.get(state, 0)} {state}"
        for state in STATES
        if counts.get(state) or state is State.DONE
    ]
    return ", ".join(shown)


class Progress:
    """Shows snapshots until the end of the block."""

    def __init__(
        self, *, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console or Console()
        self.clock = clock
        self.snapshot: Snapshot = {}
        self._started = clock()
        self._last_line: float | None = None
        self._finished_then = 0
        self._told = ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            from rich.live import Live

            self._live = Live(
                console=self.console,
                refresh_per_second=4,
                transient=True,
                get_renderable=self._screen,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if "counts" in self.snapshot:
            self._plain(self.summary(stopped=kind is not None and not issubclass(kind, Exception)))

    def update(self, snapshot: Snapshot | Mapping[str, Any]) -> None:
        """Takes the newest state: updates the table, or prints a line if one is due."""
        self.snapshot = cast(Snapshot, snapshot)
        doing = self.snapshot.get("doing", "")
        if self._live is not None:
            return  # it is drawn anew four times a second, so that the time goes on
        if doing:
            self._tell(doing)
        elif self._line_due():
            self._plain(self.line())

    def _tell(self, doing: str) -> None:
        """A line for what the run does now, once: a log stays short."""
        if doing != self._told:
            self._told = doing
            self._plain(f"[{duration(self.clock() - self._started)}] {doing}")

    def warn(self, message: str) -> None:
        """Prints a warning at once, above the table if there is one."""
        self._plain(f"warning: {message}")

    def line(self) -> str:
        """The state in one line."""
        left = duration(self.snapshot.get("eta_seconds"))
        running = self.snapshot.get("running", [])
        parts = [
            f"[{duration(self.clock() - self._started)}] {self._counts()}",
            self._slots(),
            f"about {left} left" if left else "",
        ]
        parts += self._translations()
        if running:
            parts.append("at " + "; ".join(_phase_text(phase) for phase in running[:2]))
        return " | ".join(part for part in parts if part)

    def summary(self, *, stopped: bool) -> str:
        """The last line."""
        took = duration(self.clock() - self._started)
        if stopped:
            return f"stopped after {took}: {self._counts()}; the same command carries on from here"
        return f"{took}: {self._counts()}"

    def _translations(self) -> list[str]:
        return [_translation_text(one) for one in self.snapshot.get("translating", [])]

    def _counts(self) -> str:
        total = self.snapshot.get("total")
        return counts_text(self.snapshot.get("counts", {})) + (f" of {total}" if total else "")

    def _slots(self) -> str:
        """How many phases fit, where that is not how many run."""
        slots = self.snapshot.get("slots")
        running = self.snapshot.get("counts", {}).get(State.RUNNING, 0)
        if slots is None or slots == running:
            return ""
        return f"{slots} slot{'' if slots == 1 else 's'}"

    def _line_due(self) -> bool:
        counts = self.snapshot.get("counts", {})
        finished = sum(counts.get(state, 0) for state in FINISHED)
        now = self.clock()
        silent = now - self._last_line if self._last_line is not None else QUIET_SECONDS
        due = silent >= QUIET_SECONDS or (
            finished != self._finished_then and silent >= CHANGE_SECONDS
        )
        if due:
            self._last_line, self._finished_then = now, finished
        return due

    def _plain(self, text: str) -> None:
        say(self.console, text)

    def _screen(self) -> Group:
        left = duration(self.snapshot.get("eta_seconds"))
        now = self._counts() if "counts" in self.snapshot else ""
        parts = [
            duration(self.clock() - self._started),
            now,
            self._slots(),
            f"about {left} left" if left else "",
            self.snapshot.get("doing", ""),
        ]
        head = "  ".join(part for part in parts if part)
        tables = [
            _phases_table(self.snapshot.get("running", [])),
            _best_table(self.snapshot.get("best", {})),
        ]
        return Group(
            Text(head), *self._translations(), *(table for table in tables if table is not None)
        )


def _translation_text(one: Mapping[str, Any]) -> str:
    left = duration(one.get("seconds_left"))
    text = f"translating into {one['language']}: {one['done']:,} of {one['of']:,} sentences"
    return f"{text}, at most {left} left" if left else text


def _phase_text(phase: RunningPhase) -> str:
    name = phase.get("name", "?")
    at = f"{name} step {phase.get('step', 0)}/{phase.get('steps', 0)}"
    doing, rate = phase.get("doing", ""), phase.get("rate", "")
    if not doing and not phase.get("steps"):
        doing = "starting"
    if doing:
        return f"{at}, {doing}" if phase.get("step") else f"{name} ({doing})"
    return f"{at}, {rate}" if rate else at


def _phases_table(running: list[RunningPhase]) -> Table | None:
    from rich.progress_bar import ProgressBar
    from rich.table import Table

    if not running:
        return None
    table = Table("running", "", "step", "dev", "", box=None, padding=(0, 1), header_style="dim")
    for phase in running[:SHOWN_PHASES]:
        step, steps, value = phase.get("step", 0), phase.get("steps", 0), phase.get("value")
        bar = ProgressBar(total=max(steps, 1), completed=step, width=20)
        table.add_row(
            plain(phase.get("name", "?")),
            bar,
            f"{step}/{steps}",
            "" if value is None else f"{value:.1f}",
            plain(phase.get("doing") or phase.get("rate", "")),
        )
    if len(running) > SHOWN_PHASES:
        table.add_row(f"and {len(running) - SHOWN_PHASES} more", "", "", "", "")
    return table


def _best_table(best: Mapping[str, float]) -> Table | None:
    from rich.table import Table

    if not best:
        return None
    table = Table("best so far (dev)", "", box=None, padding=(0, 1), header_style="dim")
    for study, value in list(best.items())[-SHOWN_STUDIES:]:
        table.add_row(plain(study), f"{value:.1f}")
    return table
