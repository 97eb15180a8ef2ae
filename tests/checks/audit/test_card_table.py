"""The table of cards against the table of tasks."""

from __future__ import annotations

from xstilts.checks.audit import cards
from xstilts.checks.audit.card_table import CARDS
from xstilts.spec import splits
from xstilts.tasks import TASKS


def test_every_built_in_task_has_a_card() -> None:
    lacking = [
        leaf.name for task in TASKS.values() for leaf in task.leaves if cards.of(leaf) is None
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
