"""Cards against data: made small, and the mirror's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.worlds import context, review_task, review_world, write_mirror
from xstilts.checks.audit import cards
from xstilts.data import task_data
from xstilts.sources.context import DataContext
from xstilts.spec.task import Action, Limits, Splits, Task
from xstilts.spec.transforms import Pseudo, Transform
from xstilts.tasks import TASKS
from xstilts.tasks.card import Card
from xstilts.tasks.cards import CARDS

XNLI = TASKS["xnli"]


def xnli_mirror(folder: Path, labels: tuple[int, ...] = (0, 1, 2)) -> DataContext:
    """XNLI's English part with six training and two development rows."""
    tables = {
        ("en", split): {
            "premise": [f"p{i}" for i in range(n)],
            "hypothesis": [f"h{i}" for i in range(n)],
            "label": [labels[i % len(labels)] for i in range(n)],
        }
        for split, n in (("train", 6), ("validation", 2))
    }
    return context(folder, write_mirror(folder / "mirror", "facebook/xnli", tables))


def messages(task: Task, action: Action, where: DataContext) -> list[str]:
    return [finding.message for finding in cards.compare(task, action, where)]


# -- rows without data


def test_rows_follow_cuts_limits_and_languages() -> None:
    assert cards.rows(XNLI, "train") == 392_702
    assert cards.rows(XNLI, "test") == 15 * 5_010
    cut = XNLI.model_copy(
        update={"splits": Splits(train="validation[:80%]", dev="validation[80%:]", test="test")}
    )
    assert (cards.rows(cut, "train"), cards.rows(cut, "dev")) == (1_992, 498)
    assert cards.rows(cut.model_copy(update={"limits": Limits(train=100)}), "train") == 100


def test_rows_count_what_a_transform_adds_and_hold_a_union_to_its_limit() -> None:
    added = Transform(pseudo=Pseudo(), share=0.5, add=True)
    cola, anli = TASKS["cola"], TASKS["anli_plus"]
    assert (
        cards.rows(cola.model_copy(update={"transform": added}), "train") == 8_551 + 4_276
    )  # half of 8,551
    assert cards.rows(cola.model_copy(update={"transform": added}), "dev") == 1_043
    limited = anli.model_copy(update={"limits": Limits(train=1_000)})
    assert cards.rows(limited, "train") == 1_000
    assert cards.rows(limited, "dev") == cards.rows(anli, "dev")
    assert cards.rows(limited.model_copy(update={"transform": added}), "train") == 1_500


def test_rows_of_a_union_are_those_of_its_parts() -> None:
    # the facts: 16,946 + 45,460 + 100,459 + 392,702, and SNLI's 550,152 rows on the hub (785 have
    # no label)
    assert cards.rows(TASKS["anli_plus"], "train") == 16_946 + 45_460 + 100_459 + 392_702 + 550_152


def test_rows_of_own_data_are_unknown_or_its_limit() -> None:
    assert cards.rows(review_task(), "train") is None
    assert cards.rows(review_task(limits=Limits(train=7)), "train") == 7


def test_rows_of_the_generator_are_its_own() -> None:
    assert cards.rows(TASKS["gen-reading"], "train") == 6000


# -- data against cards


def test_compare_smaller_split_is_told_with_both_numbers(tmp_path: Path) -> None:
    found = messages(XNLI, "train", xnli_mirror(tmp_path))
    assert found == [
        "train has 6 rows in en; its card says 392,702 (facts)",
        "validation has 2 rows in en; its card says 2,490 (facts)",
    ]


def test_compare_looks_at_whole_splits_behind_cuts_and_limits(tmp_path: Path) -> None:
    cut = XNLI.model_copy(
        update={
            "splits": Splits(train="train[:50%]", dev="train[50%:]"),
            "limits": Limits(train=1, dev=1),
        }
    )
    assert messages(cut, "train", xnli_mirror(tmp_path)) == [
        "train has 6 rows in en; its card says 392,702 (facts)"
    ]


def test_compare_label_that_never_occurs_is_told(tmp_path: Path) -> None:
    found = messages(XNLI, "train", xnli_mirror(tmp_path, labels=(0, 1)))
    assert "no training row has the label contradiction" in found


def test_compare_reads_the_labels_of_the_same_rows_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = xnli_mirror(tmp_path, labels=(0, 1))
    first = messages(XNLI, "train", context)
    monkeypatch.setattr(task_data, "rows", None)
    assert messages(XNLI, "train", context) == first


def test_compare_label_table_of_other_names_is_told(tmp_path: Path) -> None:
    renamed = XNLI.model_copy(
        update={"labels": ("entailment", "neutral", "contradiction", "other")}
    )
    found = messages(renamed, "train", xnli_mirror(tmp_path))
    assert any(
        message.startswith("labels are entailment") and "its card says" in message
        for message in found
    )


def test_compare_number_from_memory_is_no_more_than_a_note(tmp_path: Path) -> None:
    tables = {("wic", split): {"text": ["a"]} for split in ("train", "validation")}
    where = context(tmp_path, write_mirror(tmp_path / "mirror", "aps/super_glue", tables))
    counts = list(cards._counts(TASKS["wic"], CARDS["wic"], "train", where))
    assert [finding.severity for finding in counts] == ["note", "note"]
    assert "(memory)" in counts[0].message


def test_compare_fewer_languages_are_a_note(mirror: Path, tmp_path: Path) -> None:
    few = XNLI.model_copy(update={"languages": ("en", "de")})
    (finding,) = cards.compare(few, "evaluate", context(tmp_path, mirror))
    assert finding.severity == "note"
    assert finding.message.startswith("scored in 2 of its 15 languages; without ar, bg")


def test_compare_own_data_has_nothing_to_say(tmp_path: Path) -> None:
    assert cards.compare(review_world(tmp_path), "train", context(tmp_path)) == []


def test_compare_content_hash_where_one_is_known(tmp_path: Path) -> None:
    from xstilts.data.reading import sources

    where = xnli_mirror(tmp_path)
    right = {"train/en": sources.content(XNLI, "train", "en", where)}
    assert (
        list(cards._hashes(XNLI, Card(characters=1, rows={}, content=right), "train", where)) == []
    )
    wrong = Card(characters=1, rows={}, content={"train/en": "0" * 24})
    (finding,) = cards._hashes(XNLI, wrong, "train", where)
    assert finding.message == "train in en has other bytes than its card says"


@pytest.mark.parametrize("name", ["squad", "udpos", "panx"])
def test_compare_training_data_of_the_mirror_is_as_its_card_says(
    name: str, mirror: Path, tmp_path: Path
) -> None:
    assert cards.compare(TASKS[name], "train", context(tmp_path, mirror)) == []


@pytest.mark.parametrize("name", ["xnli", "xquad", "xcopa", "tatoeba"])
def test_compare_evaluation_data_of_the_mirror_is_as_its_card_says(
    name: str, mirror: Path, tmp_path: Path
) -> None:
    assert cards.compare(TASKS[name], "evaluate", context(tmp_path, mirror)) == []


# -- in words


def test_expected_speaks_of_whole_splits() -> None:
    assert cards.expected(XNLI, "train") == "392,702"
    assert cards.expected(XNLI, "test") == "5,010 each"
    assert cards.expected(TASKS["udpos"], "test") == "47 to 20,436 each"
    assert cards.expected(review_task(), "train") == ""
