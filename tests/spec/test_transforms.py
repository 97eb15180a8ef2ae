"""A transform is of one kind, and its payload says what decides rows."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from xstilts.spec.transforms import Dictionary, Lookup, Pseudo, Transform, Translate


@pytest.mark.parametrize(
    "fields",
    [{}, {"pseudo": Pseudo(), "lookup": Lookup(files=("a.tsv",), languages=("de",))}],
)
def test_transform_of_none_or_of_two_kinds_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(
        ValidationError, match="exactly one of translate, lookup, dictionary, pseudo"
    ):
        Transform(**fields)


@pytest.mark.parametrize(
    ("transform", "absent"),
    [
        (
            Transform(translate=Translate(model="org/nllb", languages=("de",))),
            ("model", "revision", "batch_size"),
        ),
        (Transform(lookup=Lookup(files=("a.tsv",), languages=("de",))), ("files",)),
        (Transform(dictionary=Dictionary(files=("a.txt",), languages=("de",))), ("files",)),
    ],
)
def test_transform_payload_has_no_place_and_no_batch_size(
    transform: Transform, absent: tuple[str, ...]
) -> None:
    (kind,) = [value for value in transform.payload().values() if isinstance(value, dict)]
    assert kind["languages"] == ["de"]
    assert not set(absent) & set(kind)


def test_transform_payload_of_invented_words_is_whole() -> None:
    assert Transform(pseudo=Pseudo(word_ratio=0.5)).payload()["pseudo"] == {"word_ratio": 0.5}
