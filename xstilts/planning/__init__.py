"""Sweep -> Plan: every slot that a run will fill, which slots wait for which, and how many phases
that is. Pure.

A *slot* is a place for one phase. Its hyperparameters may still be open ("trial 2 of the study of
squad"), so a slot is named by its place in the sweep, not by a phase id. `needs` says what it
starts from: a base model, another slot, or the slot that a study chooses. Its *lineage* is the
trainings that lead to its checkpoint: a pretraining, an intermediate or a chain of them, a target.

A *study* is one search. In the staged order each intermediate has its own study, on its English
development set, and each pair a study of the target's hyperparameters, which starts from the chosen
intermediate. In the joint order a pair's study suggests the hyperparameters of both, those of the
intermediate from a shared ladder. Targets that train on the same task with the same settings (XQuAD
and MLQA on SQuAD) share one study.

Slots that are known to be the same phase have the same `identity`, and a plan counts identities.
Where hyperparameters are still open, each suggestion is counted as new: counts are upper bounds
there.

    plan          Slot, Stage, Study, Plan
    needs         what must be there before a slot can be filled
    spaces        fixed and searched settings, ladders, grids
    identities    what makes two slots one phase
    builder       Sweep -> Plan
    counts        the number of phases, trainings and examples
    filling       a slot and its hyperparameters -> the phase that fills it
"""

from __future__ import annotations

from xstilts.planning.builder import make_plan
from xstilts.planning.plan import Plan, Slot, Stage, Study
from xstilts.planning.spaces import fewest_steps, fixed, ladder, largest, own_part

__all__ = [
    "Plan",
    "Slot",
    "Stage",
    "Study",
    "fewest_steps",
    "fixed",
    "ladder",
    "largest",
    "make_plan",
    "own_part",
]
