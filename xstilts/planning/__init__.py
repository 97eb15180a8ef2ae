"""Sweep -> Plan: every slot that a run will fill, who waits for whom, and what it will cost. Pure.

A *slot* is a place for one phase. Its hyperparameters may still be open ("trial 2 of the study of
squad"), so a slot is named by its place in the sweep, not by a phase id. `needs` says what it
starts from: another slot, or the *chosen* slot of a study (`best:<study>`), or nothing (a base
model).

A *study* is one search. In the staged order each intermediate has a study of its own on its English
development set, and each pair a study of the target's hyperparameters above the chosen
intermediate. In the joint order a pair's study suggests both, the intermediate's from a shared
ladder. Targets that train on the same task with the same settings (XQuAD and MLQA on SQuAD) share
one study.

Slots that are known to be the same phase carry the same `identity`; a plan counts identities. What
is still open is counted as if every suggestion were new, so the counts are upper bounds there.

    values        Slot, Study, Plan
    spaces        fixed and searched settings, ladders, grids
    identities    what makes two slots one phase
    making        Sweep -> Plan
    counting      how many phases, trainings and examples
"""

from __future__ import annotations

from xstilts.planning.builder import make
from xstilts.planning.plan import BEST, Plan, Slot, Study
from xstilts.planning.spaces import fewest_steps, fixed, ladder, largest, own_part

__all__ = [
    "BEST",
    "Plan",
    "Slot",
    "Study",
    "fewest_steps",
    "fixed",
    "ladder",
    "largest",
    "make",
    "own_part",
]
