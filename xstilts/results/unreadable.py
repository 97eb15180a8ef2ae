"""What a verb could not read, in the words of the sweep: which pair, language, phase and file.

`ReadStore` notes the parts of phases that could not be read; the ledger says what they are for. A
verb shows what it can, tells these, and exits with 1; `xstilts run` makes damaged phases again.

A pair whose scores can't be read is in the sweep all the same: tables keep its place (`lost`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xstilts.errors import first_line
from xstilts.spec.sweep import BASELINE
from xstilts.store.ledger import Entry
from xstilts.store.phases import Store
from xstilts.store.reading import Damage

NOT_READABLE = "not readable"
"""Stands in tables where a score would."""
Pair = tuple[str, str, str]
"""Model, intermediate, target."""
Lost = Mapping[Pair, Sequence[int]]
"""Pair to the seeds whose final scores can't be read."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """A slot that a phase fills."""

    slot: str
    kind: str
    role: str
    model: str
    intermediate: str
    """Empty for a pretraining."""
    target: str
    """Empty for an intermediate."""
    seed: int

    @classmethod
    def of(cls, entry: Entry) -> Use:
        """From the ledger."""
        same = {name: getattr(entry, name) for name in ("slot", "kind", "role", "model", "seed")}
        return cls(
            **same,
            intermediate=entry.intermediate or (BASELINE if entry.target else ""),
            target=entry.target,
        )

    @property
    def final_score(self) -> bool:
        """Whether it has final scores of a pair."""
        return (self.kind, self.role) == ("evaluate", "final")

    def __str__(self) -> str:
        pair = f"{self.intermediate} → {self.target}" if self.target else self.intermediate
        what = "" if self.kind == "evaluate" else " (training)"
        return f"{self.model}{', ' if pair else ''}{pair}, seed {self.seed}{what}"


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Something that could not be read; with its phase, where it belongs to one."""

    message: str
    """Where, and what is wrong."""
    phase: str = ""
    part: str = ""
    """`record`, `predictions`, `checkpoint` or `files`; of a sweep its file: `doubts.json`."""
    language: str = ""
    """Of predictions."""
    uses: tuple[Use, ...] = ()
    """What the phase is for; final scores first."""

    def __str__(self) -> str:
        if not self.phase:
            return self.message
        more = f" and {len(self.uses) - 1:,} more" if len(self.uses) > 1 else ""
        use = f"{self.uses[0]}{more}" if self.uses else ""
        words = [use, self.language, f"phase {self.phase}"]
        return f"{', '.join(filter(None, words))}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """For `--json`; `text` is all of it in a line."""
        return {"text": str(self), **vars(self), "uses": [vars(use) for use in self.uses]}


def unreadable(
    store: Store,
    damages: Iterable[Damage],
    entries: Iterable[Entry],
    problems: Iterable[str] = (),
) -> list[Unreadable]:
    """The damages with what they are for, then the problems that are not about one of them.

    A phase that the ledger does not count as finished has nothing to be read yet, and is left out.
    """
    uses: dict[str, list[Use]] = {}
    finished: dict[str, bool] = {}
    for entry in entries:
        uses.setdefault(entry.phase, []).append(Use.of(entry))
        finished[entry.phase] = finished.get(entry.phase, False) or entry.state.finished
    found = [
        Unreadable(
            message=plain(damage.message, store).partition("; `xstilts run` ")[0],
            phase=damage.phase,
            part=damage.part,
            language=damage.language,
            uses=tuple(sorted(uses.get(damage.phase, ()), key=lambda use: not use.final_score)),
        )
        for damage in damages
        if not damage.phase or finished.get(damage.phase, True)
    ]
    others = [
        Unreadable(message=problem)
        for problem in dict.fromkeys(problems)
        if not any(one.phase in problem and one.message in problem for one in found)
    ]
    return [*found, *others]


def lost(found: Iterable[Mapping[str, Any]]) -> Lost:
    """The final scores whose records are among `found`, values of `Unreadable.to_json`."""
    seeds: dict[Pair, list[int]] = {}
    for use in (use for one in found if one["part"] == "record" for use in one["uses"]):
        if (use["kind"], use["role"]) == ("evaluate", "final"):
            pair = use["model"], use["intermediate"], use["target"]
            seeds.setdefault(pair, []).append(use["seed"])
    return seeds


def plain(error: Exception | str, store: Store) -> str:
    """An error's message, with paths relative to the store."""
    missing = isinstance(error, KeyError) and error.args
    text = f"no {error.args[0]!r} in it" if missing else str(error)  # type: ignore[union-attr]
    return first_line(text.replace(f"{store.address}/", "").replace(f"{store.path}/", "")).rstrip(
        "."
    )
