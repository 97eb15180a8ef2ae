"""The cards: each built-in task has one, and it fits the task."""

from __future__ import annotations

from xstilts.spec import splits
from xstilts.spec.task import Limits, Source
from xstilts.tasks import TASKS
from xstilts.tasks.cards import CARDS, card_of

XNLI = TASKS["xnli"]


def test_every_built_in_task_has_a_card() -> None:
    lacking = [
        leaf.name for task in TASKS.values() for leaf in task.leaves if card_of(leaf) is None
    ]
    assert lacking == []


def test_cards_know_the_labels_of_the_tasks() -> None:
    other = [
        name
        for name, card in CARDS.items()
        if card.labels and set(card.labels) != set(TASKS[name].labels)
    ]
    assert other == []


def test_cards_know_the_splits_of_published_tasks() -> None:
    unknown = [
        (leaf.name, split)
        for task in TASKS.values()
        for leaf in task.leaves
        if leaf.source.hub
        for expression in (leaf.splits.train, leaf.splits.dev, leaf.splits.test)
        if expression
        for split in splits.names(expression)
        if split not in CARDS[leaf.name].rows
    ]
    assert unknown == []


def test_card_of_a_changed_source_is_none_and_of_a_renamed_task_the_same() -> None:
    own = XNLI.model_copy(update={"source": Source(hub="me/xnli", config="{language}")})
    assert card_of(own) is None
    assert (
        card_of(XNLI.model_copy(update={"name": "xnli_cut", "limits": Limits(train=5)}))
        is CARDS["xnli"]
    )
    pinned = XNLI.model_copy(update={"source": XNLI.source.model_copy(update={"revision": "abc"})})
    assert card_of(pinned) is CARDS["xnli"]
