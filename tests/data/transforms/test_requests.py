"""Translations that rows ask for: each text once, rows put off until all is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from xstilts.data.transforms.requests import Pending, Texts, TranslationRequests, Translations


class Shouting:
    """Translates into capitals, but for texts that it does not know; notes what it was asked."""

    def __init__(self, *unknown: str) -> None:
        self.unknown, self.asked = unknown, list[tuple[str, list[str]]]()

    def __call__(self, wanted: Texts) -> dict[str, Translations]:
        self.asked += [(language, list(texts)) for language, texts in wanted.items()]
        return {
            language: {text: None if text in self.unknown else text.upper() for text in texts}
            for language, texts in wanted.items()
        }


def filled(ask: TranslationRequests, rows: list[tuple[str, str]]) -> list[list[str] | None]:
    """Translations of each row's (text, language), after all were asked for."""

    def attempts() -> Iterator[None]:
        for text, language in rows:
            try:
                ask.texts([text], language)
            except Pending:
                yield

    ask.fill(attempts)
    return [ask.texts([text], language) for text, language in rows]


def test_asking_for_what_is_not_there_is_pending() -> None:
    with pytest.raises(Pending):
        TranslationRequests(Shouting()).sentences(["a dog"], "de")


def test_asking_translates_each_sentence_once_for_all_rows() -> None:
    model = Shouting()
    found = filled(
        TranslationRequests(model), [("A dog. It ran.", "de"), ("It ran.", "de"), ("A dog.", "fr")]
    )
    assert found == [["A DOG. IT RAN."], ["IT RAN."], ["A DOG."]]
    assert model.asked == [("de", ["A dog.", "It ran."]), ("fr", ["A dog."])]


def test_asking_again_fetches_only_what_is_new() -> None:
    model = Shouting()
    ask = TranslationRequests(model)
    filled(ask, [("a dog", "de")])
    filled(ask, [("a dog", "de"), ("a cat", "de")])
    assert model.asked == [("de", ["a dog"]), ("de", ["a cat"])]


def test_asking_goes_on_until_what_a_translation_brings_up_is_there_too() -> None:
    model = Shouting()
    ask = TranslationRequests(model)

    def attempts() -> Iterator[None]:
        try:
            (first,) = ask.sentences(["a dog"], "de")
            ask.sentences([f"{first} again"], "de")
        except Pending:
            yield

    ask.fill(attempts)
    assert [texts for _, texts in model.asked] == [["a dog"], ["A DOG again"]]


@pytest.mark.parametrize("text", ["", " ", "1990", "(...)"])
def test_text_without_a_letter_stays_and_is_not_asked_for(text: str) -> None:
    model = Shouting()
    assert TranslationRequests(model).texts([text], "de") == [text]
    assert model.asked == []


def test_text_of_which_a_sentence_has_no_translation_has_none() -> None:
    found = filled(
        TranslationRequests(Shouting("It ran.")), [("A dog. It ran.", "de"), ("A dog.", "de")]
    )
    assert found == [None, ["A DOG."]]
