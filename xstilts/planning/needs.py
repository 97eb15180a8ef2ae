"""What must be there before a slot can be filled: a base model, a phase, or a study's choice.

`Base` is always there. `Filled` names one slot, whose phase must have its record. `Chosen` names a
study; which of its slots is needed is known when all its trials have ended.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Base:
    """A base model: nothing has to be run first."""


@dataclass(frozen=True, slots=True)
class Filled:
    """The phase of one slot."""

    slot: str

    def __str__(self) -> str:
        return self.slot


@dataclass(frozen=True, slots=True)
class Chosen:
    """The slot with the configuration that a study chooses."""

    study: str

    def __str__(self) -> str:
        return self.study


Needs = Base | Filled | Chosen
BASE = Base()


def first_slot(needs: Needs) -> str:
    """The slot that is needed; for a study, its first trial; empty for a base model."""
    if isinstance(needs, Base):
        return ""
    return f"{needs.study}/t0" if isinstance(needs, Chosen) else needs.slot
