"""Slot + suggested hyperparameters -> PhaseSpec: a place in the plan becomes a phase with an id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from xstilts.planning.needs import first_slot
from xstilts.planning.plan import Plan, Slot
from xstilts.planning.spaces import fixed, own_part
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


def known_ids(
    plan: Plan, revisions: Revisions, unread: Callable[[Slot], bool] = lambda slot: False
) -> set[str]:
    """Ids of the phases that do not depend on a search, nor on something `unread`, whose revision
    is not known.
    """
    ids: dict[str, str] = {}
    for slot in plan.slots:
        needed = first_slot(slot.needs)
        parent = ids.get(needed, "")
        if slot.identity != slot.key and (parent or not needed) and not unread(slot):
            study = plan.studies.get(slot.study)
            point = study.grid[slot.trial or 0] if study and study.grid else {}
            ids[slot.key] = build(plan, slot, point, parent, revisions).id
    return set(ids.values())


def _parent(plan: Plan, slot: Slot, parent_phase: str, revisions: Revisions) -> Parent:
    if parent_phase:
        return PhaseParent(phase=parent_phase)
    if slot.kind == "pretrain":
        pretraining = plan.pretraining(slot.model)
        return ScratchParent(
            config=pretraining.config,
            tokenizer=pretraining.tokenizer,
            tokenizer_revision=revisions.models.get(pretraining.tokenizer, "?"),
        )
    model = next(m for m in plan.sweep.models if isinstance(m, Model) and m.label == slot.model)
    return ModelParent(model=model.id, revision=revisions.models.get(model.id, "?"))
