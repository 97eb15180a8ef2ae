"""Words of the languages: one for each concept, some of them borrowed."""

from __future__ import annotations

import pytest

from xstilts.tasks.generator import lexicon


@pytest.mark.parametrize("code", lexicon.LANGUAGES)
def test_lexicon_gives_every_concept_a_word_of_its_own(code: str) -> None:
    words = lexicon.lexicon(code)
    assert len(set(words.values())) == len(words)
    assert set(words) == {
        *lexicon.CONTENT_CONCEPTS,
        *lexicon.FUNCTION_CONCEPTS,
        *lexicon.PUNCTUATION,
    }


def test_word_shared_by_two_languages_means_the_same_in_both() -> None:
    meanings: dict[str, set[str]] = {}
    for code in lexicon.LANGUAGES:
        for concept, word in lexicon.lexicon(code).items():
            meanings.setdefault(word, set()).add(concept)
    assert max(map(len, meanings.values())) == 1


@pytest.mark.parametrize(("code", "share"), [("xb", 0.7), ("xc", 0.5), ("xd", 0.3)])
def test_language_borrows_its_share_of_content_words_and_no_function_word(
    code: str, share: float
) -> None:
    own, theirs = lexicon.lexicon("xa"), lexicon.lexicon(code)
    shared = [concept for concept in lexicon.CONTENT_CONCEPTS if own[concept] == theirs[concept]]
    assert len(shared) / len(lexicon.CONTENT_CONCEPTS) == pytest.approx(share, abs=0.01)
    assert all(own[concept] != theirs[concept] for concept in lexicon.FUNCTION_CONCEPTS)
