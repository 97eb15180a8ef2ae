"""Role tables: unions of tasks, rows that tune an evaluation, transforms, cuts and limits; what
names them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.check_messages import problems
from tests.data.reading.tagged_files import CONLL, tagging
from tests.support import worlds
from xstilts.data import task_data
from xstilts.errors import DataError
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.spec.transforms import Lookup, Pseudo, Transform

SPLITS = Splits(train="train", dev="train", test="train")
HYPER = Hyperparameters(max_length_tokens=16)

# -- unions


def part(folder: Path, name: str, labels: tuple[str, ...], rows: int, **changes: Any) -> Task:
    """A task over `<name>.jsonl` with `rows` rows; row i has label id i modulo the labels."""
    made = [{"a": f"{name}{i}", "b": f"w{i:02d}", "label": i % len(labels)} for i in range(rows)]
    worlds.write_jsonl(folder / f"{name}.jsonl", made)
    fields: dict[str, Any] = {
        "name": name,
        "format": "classification",
        "labels": labels,
        "metric": "accuracy",
        "splits": SPLITS,
        "columns": {"text": "a", "text_pair": "b"},
        "source": Source(files=(f"{name}.jsonl",)),
    }
    return Task(**{**fields, **changes})


def union(*parts: Task, **changes: Any) -> Task:
    """The union of `parts` with the labels no, maybe, yes."""
    fields: dict[str, Any] = {
        "name": "all",
        "format": "classification",
        "labels": ("no", "maybe", "yes"),
        "metric": "accuracy",
        "source": Source(union=True),
        "parts": parts,
    }
    return Task(**{**fields, **changes})


def test_rows_follow_part_after_part_with_labels_by_name(tmp_path: Path) -> None:
    first, second = (
        part(tmp_path, "x", ("yes", "no"), 3),
        part(tmp_path, "y", ("no", "maybe", "yes"), 3),
    )
    rows = task_data.rows(union(first, second), "train", None, worlds.context(tmp_path))
    assert list(rows["text"]) == ["x0", "x1", "x2", "y0", "y1", "y2"]
    # x's ids 0, 1, 0 are yes, no, yes: 2, 0, 2 in the union's table.
    assert list(rows["label"]) == [2, 0, 2, 0, 1, 2]


def test_limits_of_parts_come_before_that_of_the_union(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "maybe", "yes"), 5, limits=Limits(train=2))
    second = part(tmp_path, "y", ("no", "maybe", "yes"), 5, splits=Splits(train="train[1:]"))
    whole, context = union(first, second, limits=Limits(train=3)), worlds.context(tmp_path)
    assert list(task_data.rows(whole, "train", None, context)["text"]) == ["x0", "x1", "y1"]
    assert task_data.sizes(whole, "train", None, context) == 3
    assert task_data.sizes(union(first, second), "train", None, context) == 6


def test_part_without_labels_has_those_of_the_union(tmp_path: Path) -> None:
    plain = part(tmp_path, "x", ("no", "maybe", "yes"), 3).model_copy(update={"labels": ()})
    assert list(task_data.rows(union(plain), "train", None, worlds.context(tmp_path))["label"]) == [
        0,
        1,
        2,
    ]


def test_tags_of_parts_are_mapped_by_name(tmp_path: Path) -> None:
    worlds.write_jsonl(
        tmp_path / "x.jsonl",
        [{"tokens": ["a", "b"], "tags": [0, 1]}, {"tokens": ["c"], "tags": [1]}],
    )
    worlds.write_jsonl(tmp_path / "y.jsonl", [{"tokens": ["d"], "tags": ["O"]}])
    parts = [
        Task(
            name=n,
            format="tagging",
            labels=("O", "B-X"),
            metric="chunk_f1",
            splits=SPLITS,
            source=Source(files=(f"{n}.jsonl",)),
        )
        for n in ("x", "y")
    ]
    whole = union(*parts, format="tagging", labels=("B-X", "O"), metric="chunk_f1")
    assert list(task_data.rows(whole, "train", None, worlds.context(tmp_path))["tags"]) == [
        [1, 0],
        [0],
        [1],
    ]


def test_label_that_the_union_lacks_is_a_problem(tmp_path: Path) -> None:
    whole = union(part(tmp_path, "x", ("no", "never"), 2))
    (problem, *_) = task_data.check(whole, "train", worlds.context(tmp_path))
    assert (
        "task all, part x: has labels that all lacks: never; must be among [no, maybe, yes]"
        in problem
    )


def test_parts_with_different_roles_are_a_problem(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 2)
    second = part(tmp_path, "y", ("no", "yes"), 2, columns={"text": "a"})
    with pytest.raises(
        DataError, match="different roles: text, text_pair, label against text, label"
    ):
        task_data.rows(union(first, second), "train", None, worlds.context(tmp_path))


def test_problems_of_all_parts_are_told_with_their_names(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 2, columns={"text": "c"})
    second = part(tmp_path, "y", ("no", "yes"), 2).model_copy(
        update={"splits": Splits(train="gone")}
    )
    found = "\n".join(task_data.check(union(first, second), "train", worlds.context(tmp_path)))
    assert (
        "task all, part x: files x.jsonl, split train (for train): has no column `c` for text"
        in found
    )
    assert "task all, part y (train): files y.jsonl: has no split `gone`" in found
    assert "task all, part y has no split for dev, which chooses checkpoints" in found


def test_part_with_a_transform_of_its_own_is_refused(tmp_path: Path) -> None:
    from xstilts.spec.transforms import Pseudo, Transform

    own = part(tmp_path, "x", ("no", "yes"), 2, transform=Transform(pseudo=Pseudo()))
    with pytest.raises(DataError, match="a part's own transform is not applied"):
        task_data.rows(union(own), "train", None, worlds.context(tmp_path))


def test_language_comes_from_the_parts_that_have_it(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 1)
    second = part(tmp_path, "y", ("no", "yes"), 1, train_language="de", languages=("de",))
    whole, context = union(first, second, train_language=("de", "en")), worlds.context(tmp_path)
    rows = task_data.rows(whole, "train", None, context)
    assert list(zip(rows["text"], rows["language"], strict=True)) == [("y0", "de"), ("x0", "en")]
    with pytest.raises(DataError, match="none of its parts has train rows in language fr"):
        task_data.rows(whole, "train", "fr", context)


def test_revision_and_encoded_form_see_every_part(tmp_path: Path) -> None:
    context, hyper = worlds.context(tmp_path), Hyperparameters(max_length_tokens=16)
    whole = union(part(tmp_path, "x", ("no", "yes"), 2), part(tmp_path, "y", ("no", "yes"), 2))
    first = (
        task_data.revision(whole, "train", context),
        task_data.revision(whole, "evaluate", context),
    )
    split = task_data.encoded(whole, "train", None, worlds.tokenizer(), hyper, context)
    assert list(split.rows["text"]) == ["x0", "x1", "y0", "y1"]
    worlds.write_jsonl(tmp_path / "y.jsonl", [{"a": "new", "b": "w", "label": 1}])
    assert task_data.revision(whole, "train", context) != first[0]
    assert task_data.revision(whole, "evaluate", context) != first[1]
    split = task_data.encoded(whole, "train", None, worlds.tokenizer(), hyper, context)
    assert list(split.rows["text"]) == ["x0", "x1", "new"]


# -- rows that tune an evaluation


def mined(folder: Path, **changes: Any) -> Task:
    """A mining task over JSON lines in German and French."""
    rows = [
        {"source_sentence": "w01", "target_sentence": "w02"},
        {"source_sentence": "w03", "target_sentence": ""},
    ]
    for language in ("de", "fr"):
        for split in ("dev", "test"):
            worlds.write_jsonl(folder / f"{language}.{split}.jsonl", rows)
    fields: dict[str, Any] = {
        "name": "mined",
        "format": "mining",
        "source": Source(files=("{language}.{split}.jsonl",)),
        "metric": "mining_f1",
        "languages": ("de", "fr"),
        "splits": Splits(dev="dev", test="test"),
    }
    return Task(**{**fields, **changes})


def test_development_rows_of_mining_exist_in_every_language(tmp_path: Path) -> None:
    task, context = mined(tmp_path), worlds.context(tmp_path)
    assert task.uses("evaluate") == ("dev", "test")
    assert task.languages_of("dev") == ("de", "fr")
    assert task_data.check(task, "evaluate", context) == []
    assert task_data.rows(task, "dev", "fr", context)[1] == {
        "source_sentence": "w03",
        "target_sentence": "",
    }


def test_uses_of_other_formats_are_as_ever() -> None:
    task = worlds.review_task()
    assert task.uses("evaluate") == ("test",)
    assert task.uses("train") == ("train", "dev")
    assert task.languages_of("dev") == ("en",)


def test_revision_of_a_mining_evaluation_sees_its_development_rows(tmp_path: Path) -> None:
    task, context = mined(tmp_path), worlds.context(tmp_path)
    first = task_data.revision(task, "evaluate", context)
    worlds.write_jsonl(
        tmp_path / "fr.dev.jsonl", [{"source_sentence": "w09", "target_sentence": "w09"}]
    )
    assert task_data.revision(task, "evaluate", context) != first


def test_mining_without_development_rows_says_what_they_are_for(tmp_path: Path) -> None:
    (problem,) = task_data.check(
        mined(tmp_path, splits=Splits(test="test")), "evaluate", worlds.context(tmp_path)
    )
    assert "has no split for dev, which tunes the evaluation" in problem


def test_one_development_file_cannot_serve_several_languages(tmp_path: Path) -> None:
    task = mined(tmp_path, source=Source(files=("de.{split}.jsonl",)), splits=Splits(dev="dev"))
    with pytest.raises(DataError, match="one file cannot serve 2 languages"):
        task_data.rows(task, "dev", "de", worlds.context(tmp_path))


# -- transforms


def test_transform_changes_training_rows_alone_and_names_them(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    odd = task.model_copy(update={"transform": Transform(pseudo=Pseudo())})
    context = worlds.context(tmp_path)
    assert (
        task_data.rows(odd, "dev", None, context)[:]
        == task_data.rows(task, "dev", None, context)[:]
    )
    assert (
        task_data.rows(odd, "train", None, context)["text"][:]
        != task_data.rows(task, "train", None, context)["text"][:]
    )
    assert (
        task_data.rows(odd, "train", None, context)["label"][:]
        == task_data.rows(task, "train", None, context)["label"][:]
    )
    assert task_data.revision(odd, "train", context) != task_data.revision(task, "train", context)
    assert task_data.revision(odd, "evaluate", context) == task_data.revision(
        task, "evaluate", context
    )
    first = task_data.encoded(task, "train", None, worlds.tokenizer(), HYPER, context).rows[:]
    assert (
        task_data.encoded(odd, "train", None, worlds.tokenizer(), HYPER, context).rows[:] != first
    )
    assert task_data.check(odd, "train", context) == []


def test_rows_that_a_transform_adds_are_counted(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    both = task.model_copy(update={"transform": Transform(pseudo=Pseudo(), add=True)})
    context = worlds.context(tmp_path)
    assert (
        task_data.sizes(both, "train", None, context)
        == len(task_data.rows(both, "train", None, context))
        == 80
    )
    assert task_data.sizes(both, "dev", None, context) == 10


def test_transform_follows_the_limit_and_its_problems_are_told(tmp_path: Path) -> None:
    task = worlds.limited(worlds.review_world(tmp_path), 5)
    context = worlds.context(tmp_path)
    assert (
        len(
            task_data.rows(
                task.model_copy(update={"transform": Transform(pseudo=Pseudo())}),
                "train",
                None,
                context,
            )
        )
        == 5
    )
    absent = Transform(lookup=Lookup(files=("gone.tsv",), languages=("de",)))
    found = task_data.check(task.model_copy(update={"transform": absent}), "train", context)
    assert "gone.tsv" in "\n".join(found)
    assert task_data.check(task.model_copy(update={"transform": absent}), "evaluate", context) == []


# -- cuts and limits


def test_rows_of_a_cut_and_its_rest_are_the_whole_in_order(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    cut = task.model_copy(update={"splits": Splits(train="train[:75%]", dev="train[75%:]")})
    context = worlds.context(tmp_path)
    both = [
        *task_data.rows(cut, "train", None, context)["text"],
        *task_data.rows(cut, "dev", None, context)["text"],
    ]
    assert both == list(task_data.rows(task, "train", None, context)["text"])


def test_rows_of_a_sum_follow_each_other(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path).model_copy(
        update={"splits": Splits(train="dev[:2]+test[1:3]")}
    )
    rows = task_data.rows(task, "train", None, worlds.context(tmp_path))
    assert list(rows["text"]) == [
        row["body"] for row in (*worlds.reviews(2, 100), *worlds.reviews(2, 201))
    ]


def test_limit_holds_for_each_language_and_takes_the_front(tmp_path: Path) -> None:
    for language in ("de", "french"):
        (tmp_path / language).mkdir()
        (tmp_path / language / "train.conll").write_text(CONLL)
    task = tagging(train_language=("de", "fr"), limits=Limits(train=1))
    context = worlds.context(tmp_path)
    assert len(task_data.rows(task, "train", None, context)) == 2
    assert task_data.sizes(task, "train", None, context) == 2
    assert task_data.rows(task, "train", "fr", context)[0] == {
        "tokens": ["Das", "Haus"],
        "tags": [0, 1],
    }


def test_empty_split_says_that_it_holds_no_rows(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    task = worlds.review_task(splits=Splits(train="train[50:60]", dev="dev"))
    assert "`train[50:60]` (for train): has no usable rows" in problems(task, tmp_path)


def test_train_task_is_named_where_a_task_has_no_training_rows(tmp_path: Path) -> None:
    task = worlds.review_task(splits=Splits(test="test"), train_task="squad")
    assert "it is trained on `squad`" in problems(task, tmp_path)


def test_missing_dev_says_what_it_is_for(tmp_path: Path) -> None:
    worlds.review_world(tmp_path)
    assert "dev, which chooses checkpoints" in problems(
        worlds.review_task(splits=Splits(train="train")), tmp_path
    )


def test_sizes_follow_cut_and_limit(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    context = worlds.context(tmp_path)
    cut = task.model_copy(
        update={"splits": Splits(train="train[:25%]+dev", test="test"), "limits": Limits(test=4)}
    )
    assert (
        task_data.sizes(cut, "train", None, context)
        == 20
        == len(task_data.rows(cut, "train", None, context))
    )
    assert task_data.sizes(cut, "test", "en", context) == 4


def test_part_that_calls_the_language_otherwise_is_read_by_its_own_word(tmp_path: Path) -> None:
    first = part(tmp_path, "x", ("no", "yes"), 1)
    own = {"train_language": "en-US", "source": Source(files=("y.{language}.jsonl",))}
    second = part(tmp_path, "y.en-US", ("no", "yes"), 2, **own)
    other = part(tmp_path, "z", ("no", "yes"), 1, train_language="de", languages=("de",))
    whole, context = union(first, second, other), worlds.context(tmp_path)
    assert list(task_data.rows(whole, "train", None, context)["text"]) == [
        "x0",
        "y.en-US0",
        "y.en-US1",
    ]
    assert task_data.sizes(whole, "train", None, context) == 3


def test_part_with_both_names_gives_each_its_own_rows(tmp_path: Path) -> None:
    source = Source(files=("{language}.jsonl",))
    both = part(tmp_path, "en", ("no", "yes"), 1, train_language=("en", "en-GB"), source=source)
    part(tmp_path, "en-GB", ("no", "yes"), 1)
    whole, context = union(both, train_language=("en", "en-GB")), worlds.context(tmp_path)
    rows = task_data.rows(whole, "train", None, context)
    assert list(zip(rows["text"], rows["language"], strict=True)) == [
        ("en0", "en"),
        ("en-GB0", "en-GB"),
    ]
