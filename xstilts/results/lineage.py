"""What a phase was trained from, read from the records: which languages and which data came before.

Two questions decide how far a score shows transfer. Was the base model pretrained on the language?
And did the intermediate train on the same data as the target (SQuAD before XQuAD), so that part of
the gain is just more training? Both are answered from the specs in the records; the answer is None
where it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from xstilts.errors import DataError, StoreError
from xstilts.sources import mirrors
from xstilts.spec.languages import is_known, resolve
from xstilts.spec.phase import ModelParent, PhaseSpec, ScratchParent
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Task
from xstilts.store.inside import inside
from xstilts.store.phases import Store
from xstilts.tasks.corpora import corpus_of

_CARD_LIST = re.compile(
    r"^language:[ \t]*\[?([^\n\]]*)\]?[ \t]*((?:\n[ \t]*-[ \t]*\S+)*)", re.MULTILINE
)
_CODE = r"[a-z]{2,3}(?:[-_][A-Za-z]{2,8})*"
_CARD_LINE = re.compile(
    rf"^Languages:[ \t]*((?:{_CODE}[\s,]+)*{_CODE})(?=\s*(?:[.;(]|$))", re.MULTILINE
)


class Lineage:
    """Reads each record once. A missing or damaged record raises nothing."""

    def __init__(self, store: Store, sweep: Sweep) -> None:
        self.store, self.sweep = store, sweep
        self._specs: dict[str, PhaseSpec | None] = {}
        self._cards: dict[str, frozenset[str] | None] = {}

    def spec(self, phase_id: str) -> PhaseSpec | None:
        """The spec of a finished phase; None where its record can't be read."""
        if phase_id not in self._specs:
            try:
                self._specs[phase_id] = (
                    self.store.phase(phase_id).record().spec if phase_id else None
                )
            except (StoreError, ValueError):
                self._specs[phase_id] = None
        return self._specs[phase_id]

    def ancestors(self, phase_id: str) -> Iterator[PhaseSpec]:
        """The phase, the phase it starts from, and so on, as far as records can be read."""
        spec = self.spec(phase_id)
        while spec is not None:
            yield spec
            spec = self.spec(spec.parent_phase) if spec.parent_phase else None

    def base_languages(self, phase_id: str) -> frozenset[str] | None:
        """Languages that the base model below this phase was pretrained on; None if unknown."""
        chain = list(self.ancestors(phase_id))
        if not chain:
            return None
        root = chain[-1]
        if isinstance(root.parent, ScratchParent):
            return frozenset(language for m in root.members for language in m.task.train_languages)
        return self._card(root.parent.model) if isinstance(root.parent, ModelParent) else None

    def _card(self, model: str) -> frozenset[str] | None:
        if model not in self._cards:
            self._cards[model] = card_languages(self._card_path(model))
        return self._cards[model]

    def _card_path(self, model: str) -> Path | None:
        names = {m.label: m.id for m in self.sweep.models if isinstance(m, Model)}
        name = names.get(model, model)
        cards = [Path(name, "README.md")]
        if self.sweep.mirror:
            with suppress(
                StoreError, DataError
            ):  # a name or a link that leads out of the mirror has no card
                folder = mirrors.place(self.sweep.mirror)
                cards.append(inside(folder, f"models/{name}/README.md"))
        return next((card for card in cards if card.is_file()), None)

    def same_data(self, intermediate: str, target: str) -> bool:
        """Whether two trainings (phase ids) share a source of training rows."""
        if not intermediate or intermediate == target:
            return False
        first, second = self.spec(intermediate), self.spec(target)
        if first is None or second is None or first.action != "train" or second.action != "train":
            return False
        return bool(_sources(first) & _sources(second))


def card_languages(path: Path | None) -> frozenset[str] | None:
    """Language codes of a model card: its `language:` list, or a line `Languages: en de ...`. Words
    that are no codes (`multilingual`, `code`, names) say nothing; without any code it is None.
    """
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    listed = _CARD_LIST.search(text) if text.startswith("---") else None
    line = listed or _CARD_LINE.search(text)
    listed_words = " ".join(one or "" for one in line.groups()) if line else ""
    words = (word.strip("\"'-") for word in re.split(r"[\s,]+", listed_words))
    return frozenset(word for word in words if is_known(word)) or None


def _sources(spec: PhaseSpec) -> set[tuple[Any, ...]]:
    return {_source(leaf) for member in spec.members for leaf in member.task.leaves}


def _source(task: Task) -> tuple[Any, ...]:
    """Where training rows come from, whatever part of a split is used (`train[:80%]` counts as
    `train`) and however they are transformed.
    """
    splits = frozenset(part.split("[")[0].strip() for part in (task.splits.train or "").split("+"))
    source, languages = task.source, frozenset(resolve(one).code for one in task.train_languages)
    corpus = corpus_of(task)
    if corpus:
        return corpus, splits, languages
    return source.hub, source.config, source.files, source.generator, splits, languages
