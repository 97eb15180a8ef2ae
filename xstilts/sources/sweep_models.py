"""The models that a sweep names: base models, tokenizers of pretrainings, translators.

One list for all its users: the revisions in phase ids, the models that `check` shows, and those
that `fetch` downloads to a mirror.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from xstilts.spec.sweep import Model, Sweep

Role = Literal["base", "tokenizer", "translator"]


@dataclass(frozen=True, kw_only=True)
class SweepModel:
    """One model as a sweep names it."""

    id: str
    """Id of the hub or a mirror, a folder, or `generator` for the generator's own tokenizer."""
    revision: str
    """Branch, tag or commit on the hub."""
    role: Role

    @property
    def weights(self) -> bool:
        """Whether its weights are read, or only its tokenizer."""
        return self.role != "tokenizer"


def sweep_models(sweep: Sweep) -> tuple[SweepModel, ...]:
    """All models that a sweep names, each once for each role; translators come last."""
    named = [
        SweepModel(id=model.id, revision=model.revision, role="base")
        if isinstance(model, Model)
        else SweepModel(id=model.tokenizer, revision="main", role="tokenizer")
        for model in sweep.models
    ]
    named += [
        SweepModel(id=kind.model, revision=kind.revision, role="translator")
        for task in sweep.tasks
        if task.transform and (kind := task.transform.translate)
    ]
    return tuple(dict.fromkeys(named))
