"""Mixtures and transforms in a few words."""

from __future__ import annotations

import pytest

from xstilts.spec.described import rates, transformed, transforms
from xstilts.spec.sweep import Rates
from xstilts.spec.transforms import Dictionary, Lookup, Pseudo, Transform, Translate
from xstilts.tasks import TASKS


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("uniform", "uniform"),
        ((0.25, 0.75), "0.25, 0.75"),
        (Rates(cap=100), "cap 100"),
        (Rates(temperature=3), "proportional, temperature 3"),
        (Rates(fixed={"mlm": 0.1}), "proportional, mlm 0.1"),
    ],
)
def test_rates_every_form_is_written_out(value: object, words: str) -> None:
    assert rates(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            Transform(translate=Translate(model="a/b", languages=("de", "sw"))),
            "translated into de, sw by a/b",
        ),
        (
            Transform(lookup=Lookup(files=("x",), languages=("de",)), add=True),
            "translated into de, from files; beside the rows as they are",
        ),
        (
            Transform(
                dictionary=Dictionary(
                    files=("x",), languages=("de", "ru"), word_ratio=0.9, sentence_ratio=0.5
                )
            ),
            "code-switched with de, ru, 0.9 of the words of 0.5 of the rows",
        ),
        (
            Transform(dictionary=Dictionary(files=("x",), languages=("de",), cross=False)),
            "code-switched with de, 0.5 of the words, one language a row",
        ),
        (
            Transform(pseudo=Pseudo(word_ratio=0.3), share=0.5),
            "invented words, 0.3 of them; 0.5 of the rows",
        ),
    ],
)
def test_transformed_every_kind_says_what_and_how_much(value: Transform, words: str) -> None:
    assert transformed(value) == words


def test_transforms_of_several_tasks_are_named() -> None:
    pseudo = TASKS["mnli"].model_copy(update={"name": "p", "transform": Transform(pseudo=Pseudo())})
    assert transforms([TASKS["qqp"], pseudo]) == "p: invented words"
    assert transforms([pseudo]) == "invented words"
    assert transforms([TASKS["qqp"]]) == ""
