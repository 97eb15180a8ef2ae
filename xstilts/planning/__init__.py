"""Sweep -> Plan: every slot that a run will fill, who waits for whom, and what it will cost. Pure.

A *slot* is a place for one phase. Its hyperparameters may still be open ("trial 2 of the study of
squad"), so a slot is named by its place in the sweep, not by a phase id. `needs` says what it
starts from: a base model, another slot, or the slot that a study chooses. Its *lineage* is the
trainings that lead to its checkpoint: a pretraining, an intermediate or a chain of them, a target.

A *study* is one search. In the staged order each intermediate has a study of its own on its English
development set, and each pair a study of the target's hyperparameters above the chosen
intermediate. In the joint order a pair's study suggests both, the intermediate's from a shared
ladder. Targets that train on the same task with the same settings (XQuAD and MLQA on SQuAD) share
one study.

Slots that are known to be the same phase carry the same `identity`; a plan counts identities. What
is still open is counted as if every suggestion were new, so the counts are upper bounds there.

    plan          Slot, Stage, Study, Plan
    needs         what has to be there before a slot can be filled
    spaces        fixed and searched settings, ladders, grids
    identities    what makes two slots one phase
    builder       Sweep -> Plan
    counts        how many phases, trainings and examples
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
