"""Slot + suggested hyperparameters -> PhaseSpec: a place in the plan becomes a phase with an id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from xstilts.planning.needs import first_slot
from xstilts.planning.plan import Plan, Slot
from xstilts.planning.spaces import fixed, own_part, searched
from xstilts.spec.frozen import Frozen
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.phase import (
    EVALUATED_WITH,
    Member,
    ModelParent,
    Parent,
    PhaseParent,
    PhaseSpec,
    ScratchParent,
)
from xstilts.spec.sweep import Model


class Revisions(Frozen):
    """The content of the sweep's data and models, as hashes or commits."""

    train: dict[str, str] = Field(default_factory=dict)
    """Task name to the revision of its training and development rows."""
    evaluate: dict[str, str] = Field(default_factory=dict)
    """Task name to the revision of its test rows."""
    models: dict[str, str] = Field(default_factory=dict)
    """Model or tokenizer id to the revision of its files."""


def trained_tasks(plan: Plan) -> list[str]:
    """Names of the tasks that are trained on."""
    names: dict[str, None] = {}
    for slot in plan.slots:
        if slot.kind != "evaluate":
            names.update(dict.fromkeys(plan.sweep.members(slot.task)))
    return list(names)


def build(
    plan: Plan, slot: Slot, params: Mapping[str, Any], parent_phase: str, revisions: Revisions
) -> PhaseSpec:
    """The phase that fills `slot`; `params` are the study's suggestion, `parent_phase` is an id, or
    empty where the slot starts from no phase.
    """
    own = own_part(params, slot.prefix)
    hyper = {**fixed(plan.settings(slot)), **own}
    if slot.kind == "evaluate":
        hyper = {k: v for k, v in hyper.items() if k in EVALUATED_WITH}
        task = plan.sweep.task(slot.target)
        return PhaseSpec(
            action="evaluate",
            parent=_parent(plan, slot, parent_phase, revisions),
            members=(Member(task=task, data_revision=revisions.evaluate.get(task.name, "?")),),
            hyper=Hyperparameters(**hyper),
        )
    mixture = plan.sweep.mixture(slot.task) if slot.kind == "intermediate" else None
    names = plan.sweep.members(slot.task)
    return PhaseSpec(
        action="train",
        parent=_parent(plan, slot, parent_phase, revisions),
        members=tuple(
            Member(task=plan.sweep.task(n), data_revision=revisions.train.get(n, "?"))
            for n in names
        ),
        rates=mixture.rates if mixture else "proportional",
        heads=mixture.heads if mixture else "separate",
        hyper=Hyperparameters(**hyper),
        seed=slot.seed,
    )


def reading(plan: Plan, slot: Slot, revisions: Revisions) -> PhaseSpec | None:
    """A phase that reads what the phases of a slot read, in the same form, and starts from the base
    model; None where the form depends on a search, or a model translates the rows.
    """
    settings = plan.settings(slot)
    if any(name in EVALUATED_WITH for name in searched(settings)):
        return None
    hyper = Hyperparameters(**{k: v for k, v in fixed(settings).items() if k in EVALUATED_WITH})
    if slot.kind == "evaluate":
        task = plan.sweep.task(slot.target)
        members = [Member(task=task, data_revision=revisions.evaluate.get(task.name, "?"))]
    else:
        members = [
            Member(task=plan.sweep.task(name), data_revision=revisions.train.get(name, "?"))
            for name in plan.sweep.members(slot.task)
        ]
        if any(m.task.transform and m.task.transform.translate for m in members):
            return None
    return PhaseSpec(
        action="evaluate" if slot.kind == "evaluate" else "train",
        parent=_base(plan, slot, revisions),
        members=tuple(members),
        hyper=hyper,
    )


def known_phases(
    plan: Plan, revisions: Revisions, unread: Callable[[Slot], bool] = lambda slot: False
) -> dict[str, str]:
    """Slot to the id of its phase, where that does not depend on a search, nor on something
    `unread`, whose revision is not known.
    """
    ids: dict[str, str] = {}
    for slot in plan.slots:
        needed = first_slot(slot.needs)
        parent = ids.get(needed, "")
        if slot.identity != slot.key and (parent or not needed) and not unread(slot):
            study = plan.studies.get(slot.study)
            point = study.grid[slot.trial or 0] if study and study.grid else {}
            ids[slot.key] = build(plan, slot, point, parent, revisions).id
    return ids


def _parent(plan: Plan, slot: Slot, parent_phase: str, revisions: Revisions) -> Parent:
    return PhaseParent(phase=parent_phase) if parent_phase else _base(plan, slot, revisions)


def _base(plan: Plan, slot: Slot, revisions: Revisions) -> Parent:
    """What the lineage of a slot begins with: a base model, or the start of a pretraining."""
    model = next(m for m in plan.sweep.models if m.label == slot.model)
    if isinstance(model, Model):
        return ModelParent(model=model.id, revision=revisions.models.get(model.id, "?"))
    return ScratchParent(
        config=model.config,
        tokenizer=model.tokenizer,
        tokenizer_revision=revisions.models.get(model.tokenizer, "?"),
    )
