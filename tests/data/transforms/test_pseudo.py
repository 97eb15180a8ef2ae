"""Invented words: one-to-one, never the word itself, of the same shape; rows keep answers and
tags.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.support import transform_worlds as worlds
from xstilts.data import task_data, transforms
from xstilts.data.transforms.pseudo import Inventor
from xstilts.sources.context import DataContext
from xstilts.spec.task import Limits, Source, Splits, Task, Transform

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def test_invented_words_are_one_to_one_and_never_the_word_itself() -> None:
    words = [
        "".join(letters)
        for length in (1, 2, 3)
        for letters in itertools.product(LETTERS, repeat=length)
    ]
    words += [
        "".join(letters)
        for length in (4, 5)
        for letters in itertools.product("aeiqjrstv", repeat=length)
    ]
    words = [word for word in words if not word.endswith("qj") and not word.endswith("qjq")]
    inventor = Inventor(0, 1.0)
    made = [inventor.word(word) for word in words]
    assert len(set(made)) == len(words)
    assert all(new != old for new, old in zip(made, words, strict=True))


def test_invented_words_of_one_pattern_are_all_words_of_it() -> None:
    words = ["".join(letters) for letters in itertools.product("bcd", "ae", "bcd", "ae")]
    spread = {Inventor(0, 1.0).word(word) for word in words}
    assert all(word[0] not in "aeiouy" and word[1] in "aeiouy" for word in spread)
    assert len({word[0] for word in spread}) > 10  # not only of the letters that went in


@pytest.mark.parametrize("word", ["Denver", "NASA", "McDonald", "caféteria", "Xhosa"])
def test_invented_word_keeps_length_capitals_and_vowels(word: str) -> None:
    new = Inventor(3, 1.0).word(word)
    assert [letter.isupper() for letter in new] == [letter.isupper() for letter in word]
    assert [letter.lower() in "aeiouy" for letter in new] == [
        letter.lower() in "aeiouy" for letter in word
    ]


@pytest.mark.parametrize(("word", "length"), [("I", 4), ("of", 4), ("The", 5), ("US", 4)])
def test_short_words_are_filled_up_in_their_capitals(word: str, length: int) -> None:
    new = Inventor(0, 1.0).word(word)
    assert len(new) == length and new[0].isupper() == word[0].isupper()
    assert new[1:].isupper() == (word == "US")


def test_word_without_latin_letters_stays() -> None:
    assert Inventor(0, 1.0).word("Αθήνα") == "Αθήνα"


def test_invented_word_is_the_same_in_other_capitals_and_other_under_another_seed() -> None:
    assert Inventor(0, 1.0).word("WATER").lower() == Inventor(0, 1.0).word("Water").lower()
    assert Inventor(0, 1.0).word("water") != Inventor(1, 1.0).word("water")


def test_share_of_words_is_replaced_everywhere_or_nowhere() -> None:
    words = ["".join(letters) for letters in itertools.product("abcdef", repeat=4)]  # 1296
    first, again = (
        [inventor.word(word) for word in words] for inventor in (Inventor(0, 0.5), Inventor(0, 0.5))
    )
    assert first == again
    changed = sum(new != old for new, old in zip(first, words, strict=True))
    assert 560 < changed < 736  # 648 expected, standard deviation 18


def test_tagging_keeps_a_token_for_each_tag(tmp_path: Path) -> None:
    rows = [{"tokens": ["Ann", "'s", "3rd", "co-op", "."], "tags": ["a", "b", "c", "a", "b"]}]
    (row,) = worlds.made(tmp_path, task := worlds.task(tmp_path, "tagging", rows, {"pseudo": {}}))
    ann, s, third, coop, dot = row["tokens"]
    assert row["tags"] == [0, 1, 2, 0, 1]
    assert (len(ann), s[0], third[0], coop[4], dot) == (5, "'", "3", "-", ".")
    assert ann != "Ann" and third != "3rd" and coop != "co-op"
    # Ann, s, rd, co, op: a run of letters is a word
    assert worlds.facts(tmp_path, task)["counts"] == {"words": 5, "words replaced": 5}


def test_copa_codes_stay(tmp_path: Path) -> None:
    rows = [
        {"context": "It fell.", "question": "cause", "choices": ["I hit it.", "I ran."], "label": 0}
    ]
    (row,) = worlds.made(tmp_path, worlds.task(tmp_path, "multiple_choice", rows, {"pseudo": {}}))
    assert row["question"] == "cause"
    assert row["context"] != "It fell." and row["choices"][0] != "I hit it."


def test_share_and_add_keep_order_and_the_same_rows_whatever_the_limit(tmp_path: Path) -> None:
    rows = [{"text": f"word number {i}", "label": "a"} for i in range(200)]
    half = worlds.task(tmp_path, "classification", rows, {"pseudo": {}, "share": 0.5})
    texts = [row["text"] for row in worlds.made(tmp_path, half)]
    changed = [i for i, text in enumerate(texts) if not text.startswith("word")]
    assert [text.split()[-1] for text in texts] == [str(i) for i in range(200)]
    assert 70 < len(changed) < 130  # 100 expected, standard deviation 7
    fewer = worlds.made(tmp_path, half.model_copy(update={"limits": Limits(train=50)}))
    assert [row["text"] for row in fewer] == texts[:50]
    added = worlds.task(tmp_path, "classification", rows, {"pseudo": {}, "share": 0.5, "add": True})
    assert transforms.expected_rows(200, added) == 300
    both = [row["text"] for row in worlds.made(tmp_path, added)]
    assert both[:200] == [row["text"] for row in rows]
    assert both[200:] == [texts[i] for i in changed]


def test_development_rows_stay_english(tmp_path: Path) -> None:
    task = worlds.task(
        tmp_path, "classification", [{"text": "a dog", "label": "a"}], {"pseudo": {}}
    )
    assert task_data.rows(task, "dev", None, worlds.context(tmp_path))[0]["text"] == "a dog"


@pytest.mark.parametrize(
    "transform",
    [{"pseudo": {}}, {"dictionary": {"files": ["{language}.txt"], "languages": ["de", "fr"]}}],
)
def test_every_answer_of_squad_still_stands_where_it_says(
    mirror: Path, tmp_path: Path, transform: dict[str, object]
) -> None:
    words = {
        "the": "der",
        "of": "von",
        "in": "im",
        "was": "war",
        "university": "universität",
        "first": "erste",
    }
    (tmp_path / "de.txt").write_text("".join(f"{old} {new}\n" for old, new in words.items()))
    (tmp_path / "fr.txt").write_text("the\tla la\nyear\tannée\n")
    task = Task(
        name="squad",
        format="span_qa",
        metric="f1",
        source=Source(hub="rajpurkar/squad", config="plain_text"),
        splits=Splits(train="train", dev="validation"),
        limits=Limits(train=3000, dev=10),
        transform=Transform(**transform),
    )
    where = DataContext(mirror=str(mirror), base=str(tmp_path), cache=str(tmp_path / "cache"))
    rows = task_data.rows(task, "train", None, where).to_list()
    plain = task_data.rows(
        task.model_copy(update={"transform": None}), "train", None, where
    ).to_list()
    assert len(rows) == 3000 and not worlds.misplaced(rows)
    assert (
        sum(new["context"] != old["context"] for new, old in zip(rows, plain, strict=True)) > 2900
    )
    assert [len(row["answers"]["text"]) for row in rows] == [
        len(row["answers"]["text"]) for row in plain
    ]
