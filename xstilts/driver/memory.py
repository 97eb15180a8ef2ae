"""Which phases were short of memory in this run, so that the next of their kind begins with smaller
micro-batches.

A kind is what memory depends on in a sweep: the model, the heads' formats, the rows of a
micro-batch and their length. One worker halves by itself and goes on; its reports say how often.
A group of workers can't, because the others wait for the one that failed: it is started again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xstilts.driver.board import Assignment

Kind = tuple[Any, ...]


class Memory:
    """How often micro-batches are halved, by kind of phase."""

    def __init__(self) -> None:
        self._halvings: dict[Kind, int] = {}
        self._kinds: dict[str, Kind] = {}
        self._labels: dict[Kind, str] = {}

    def begin(self, trial: str, assignment: Assignment) -> int:
        """A trial was made for a phase; how often its micro-batches are halved from the start."""
        spec, hyper = assignment.spec, assignment.spec.hyper
        heads = tuple(one.task.format for one in spec.members)
        rows = hyper.batch_size, hyper.grad_accumulation
        kind = assignment.model, heads, rows, hyper.max_length_tokens, hyper.precision
        self._kinds[trial] = kind
        self._labels.setdefault(kind, assignment.label)
        return self._halvings.get(kind, 0)

    def heard(self, trial: str, row: Mapping[str, Any]) -> None:
        """Takes a row of a trial."""
        kind, halvings = self._kinds.get(trial), int(row.get("halvings") or 0)
        if kind is not None and halvings > self._halvings.get(kind, 0):
            self._halvings[kind] = halvings

    def end(self, trial: str) -> None:
        """A trial has ended."""
        self._kinds.pop(trial, None)

    def sentences(self) -> list[str]:
        """What the run says at its end."""
        return [
            f"memory ran out in {self._labels[kind]}: micro-batches of phases like it were cut to "
            f"1/{2**halvings} of their rows; the batches, and the numbers up to rounding and "
            "dropout, stayed the same"
            for kind, halvings in self._halvings.items()
        ]
