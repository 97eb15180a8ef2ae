"""Labels that can't be learned, chosen by or scored, and counts that raise no doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from xstilts.checks.audit import classes
from xstilts.data.looked import Facts
from xstilts.spec.task import UNSEEN, Limits, Source, Splits, Task, Use

LABELS = ("ham", "spam", "maybe")


def task(name: str = "mail", **fields: Any) -> Task:
    values = {
        "format": "classification",
        "metric": "accuracy",
        "source": Source(files=("mail.jsonl",)),
        "splits": Splits(train="train", dev="dev", test="test"),
        "labels": LABELS,
        "languages": ("en", "de"),
    }
    return Task(**{"name": name, **values, **fields})


def facts(use: Use, *counts: int, language: str = "en", of: Task | None = None) -> Facts:
    own = of or task()
    labels = dict(zip(own.labels, counts, strict=True))
    return Facts(task=own.name, use=use, language=language, rows=sum(counts), labels=labels)


def told(*found: Facts, own: Task | None = None, **others: Task) -> list[str]:
    own = own or task()
    doubts = classes.doubts(found, {own.name: own, **others})
    assert all(doubt.task == own.name for doubt in doubts)
    return [doubt.message for doubt in doubts]


def test_like_counts_raise_no_doubt() -> None:
    assert told(facts("train", 50, 40, 10), facts("dev", 5, 4, 1), facts("test", 6, 5, 2)) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from(LABELS), min_size=90, max_size=120), st.randoms())
def test_shuffled_cuts_of_balanced_rows_raise_no_doubt(rows: list[str], random: Any) -> None:
    rows = [*rows, *LABELS * 30]
    random.shuffle(rows)
    parts: Mapping[Use, list[str]] = {
        "train": [*rows[:-60], *LABELS],
        "dev": [*rows[-60:-30], *LABELS],
        "test": [*rows[-30:], *LABELS],
    }
    counts = [facts(use, *(part.count(one) for one in LABELS)) for use, part in parts.items()]
    assert told(*counts) == []


def test_slices_of_a_sorted_file_name_the_label_its_counts_and_the_cut() -> None:
    own = task(splits=Splits(train="train[:70%]", dev="train[70%:]", test="test"))
    (found,) = told(
        facts("train", 30, 12, 0),
        facts("dev", 0, 1, 19),
        facts("test", 9, 9, 9),
        facts("test", 9, 9, 9, language="de"),
        own=own,
    )
    assert found.startswith(
        "label `maybe` has no training row (19 of 20 dev rows and 9 of 27 test rows in each of 2 "
        "languages have it), so it is never predicted"
    )
    assert "`train[:70%]` and `train[70%:]` are cut from one split" in found


def test_several_labels_without_training_rows_are_one_sentence() -> None:
    (found,) = told(facts("train", 9, 0, 0), facts("dev", 3, 1, 1), facts("test", 3, 3, 3))[:1]
    assert found.startswith("labels `spam`, `maybe` have no training row (2 of 5 dev rows and")


def test_language_with_most_of_a_lacking_label_is_named() -> None:
    (found,) = told(
        facts("train", 9, 9, 0),
        facts("test", 9, 9, 1),
        facts("test", 5, 5, 10, language="de"),
    )
    assert "10 of 20 test rows in de, and some in 1 more language, have it" in found


def test_label_that_no_row_has_raises_no_doubt() -> None:
    assert told(facts("train", 9, 9, 0), facts("dev", 3, 3, 0), facts("test", 3, 3, 0)) == []


def test_limits_are_named_as_the_cause() -> None:
    cut = Splits(train="train[:70%]", dev="train[70%:]", test="test")
    for limit, limited in ((18, True), (19, False)):
        own = task(limits=Limits(train=limit), splits=cut)
        (found,) = told(facts("train", 9, 9, 0), facts("test", 3, 3, 3), own=own)
        assert ("`limits` take the first rows" in found) == limited


def test_rows_of_a_target_count_with_its_training_task() -> None:
    target = task("other", train_task="mail", splits=Splits(test="test"))
    (found,) = told(facts("train", 9, 9, 0), facts("test", 3, 3, 3, of=target), other=target)
    assert "3 of 9 other's test rows have it" in found


@pytest.mark.parametrize(
    ("use", "words"),
    [("dev", "all 20 dev rows have the label `spam`"), ("test", "all 20 test rows have the label")],
)
def test_rows_of_one_label_are_told(use: Use, words: str) -> None:
    (found,) = told(facts("train", 20, 20, 20), facts(use, 0, 20, 0))
    assert found.startswith(words)


def test_test_rows_of_one_label_are_told_by_language() -> None:
    (found,) = told(
        facts("train", 20, 20, 20),
        facts("test", 5, 5, 5),
        facts("test", 0, 9, 0, language="de"),
    )
    assert found.startswith("all 9 test rows in de have the label `spam`")


def test_training_rows_of_one_label_teach_nothing() -> None:
    (found,) = told(facts("train", 20, 0, 0), facts("dev", 0, 0, 0))
    assert found.startswith("all 20 training rows have the label `ham`: there is nothing to learn")


def test_development_rows_that_lack_a_common_label_are_told() -> None:
    (found,) = told(facts("train", 300, 300, 300), facts("dev", 30, 30, 0))
    assert found.startswith("label `maybe` has no dev row, but 300 of 900 training rows")
    assert told(facts("train", 300, 300, 30), facts("dev", 30, 30, 0)) == []


def test_development_rows_with_other_shares_are_told() -> None:
    (found,) = told(facts("train", 90, 5, 5), facts("dev", 2, 30, 3))
    assert found.startswith("dev and training rows have other labels: 2 of 35 dev rows are `ham`")


def test_tags_are_counted_in_tokens_and_rare_ones_pass() -> None:
    own = task(format="tagging", metric="token_accuracy", labels=("NOUN", "VERB", "X"))

    def counts(use: Use, *n: int) -> Facts:
        return facts(use, *n, of=own)

    assert told(counts("train", 900, 900, 0), counts("test", 5000, 5000, 9), own=own) == []
    (found,) = told(counts("train", 900, 900, 0), counts("test", 500, 500, 9), own=own)
    assert found.startswith("label `X` has no training token (9 of 1,009 test tokens have it)")


def test_unseen_labels_of_an_open_table_are_told_where_they_are_many() -> None:
    own = task(format="tagging", metric="token_accuracy", labels=("A", "B", UNSEEN))
    few = facts("test", 500, 480, 20, of=own)
    assert told(facts("train", 9, 9, 0, of=own), few, own=own) == []
    (found,) = told(facts("train", 9, 9, 0, of=own), facts("test", 5, 5, 10, of=own), own=own)
    assert found.startswith("10 of 20 test tokens have a label that no training row has")


def test_places_of_choices_and_rows_without_counts_are_passed_over() -> None:
    choice = task(format="multiple_choice")
    assert (
        told(facts("train", 9, 0, 0, of=choice), facts("test", 3, 3, 3, of=choice), own=choice)
        == []
    )
    bare = Facts(task="mail", use="train", language="en", rows=9)
    assert told(bare, facts("test", 3, 3, 3)) == []


def test_a_first_label_that_no_rows_have_is_told() -> None:
    (found,) = told(facts("train", 0, 9, 8), facts("dev", 0, 3, 2), facts("test", 0, 4, 4))
    assert found.startswith("label `ham`, the first of the table, has no rows in any use")
    assert "counted from 1?" in found
    assert told(facts("train", 9, 0, 8), facts("dev", 3, 0, 2), facts("test", 4, 0, 4)) == []
