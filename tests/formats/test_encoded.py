"""One tokenised split: a row may have several features, and its length counts features."""

from __future__ import annotations

import dataclasses

import datasets
import numpy as np
import pytest

from xstilts.formats.encoded import EncodedSplit


@pytest.fixture
def split() -> EncodedSplit:
    """Two rows, the first with two features."""
    return EncodedSplit(
        features=datasets.Dataset.from_dict({"input_ids": [[1], [2, 3], [4]], "row": [0, 0, 1]}),
        rows=datasets.Dataset.from_dict({"text": ["a bc", "d"]}),
        lengths=np.array([1, 2, 1]),
        n_items=np.array([1, 1, 1]),
    )


def test_length_of_a_split_is_the_number_of_features_not_of_rows(split: EncodedSplit) -> None:
    assert (len(split), len(split.rows)) == (3, 2)


def test_split_of_several_languages_has_no_language_of_its_own(split: EncodedSplit) -> None:
    assert split.language is None
    assert dataclasses.replace(split, language="de").language == "de"


def test_split_cannot_be_changed(split: EncodedSplit) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        split.language = "de"  # type: ignore[misc]
