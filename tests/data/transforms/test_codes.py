"""What models call a language, against the lists in the installed transformers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xstilts.data.transforms import codes
from xstilts.data.transforms.codes import M2M100, NLLB
from xstilts.spec.transforms import Translate

XTREME = """af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt
    ru sw ta te th tl tr ur vi yo zh"""
XTREME_R = "az gu ht lt pa pl qu ro uk wo"


def test_every_language_of_xtreme_and_xtreme_r_has_a_code_that_nllb_knows() -> None:
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    assert set(NLLB) == {*XTREME.split(), *XTREME_R.split()}
    assert set(NLLB.values()) <= set(FAIRSEQ_LANGUAGE_CODES)
    assert len(set(NLLB.values())) == len(NLLB)


def test_languages_of_m2m100_are_those_that_it_knows() -> None:
    import transformers

    source = (
        Path(transformers.__file__).parent / "models/m2m_100/tokenization_m2m_100.py"
    )  # importing it needs sentencepiece
    line = next(line for line in source.read_text().splitlines() if '"m2m100": [' in line)
    known = set(re.findall(r'"(\w+)"', line.split("[", 1)[1]))
    assert set(NLLB) & known == M2M100


@pytest.mark.parametrize(
    ("config", "tokenizer", "how"),
    [
        ({"model_type": "m2m_100"}, {"tokenizer_class": "NllbTokenizer"}, "nllb"),
        ({"model_type": "m2m_100"}, {"tokenizer_class": "NllbTokenizerFast"}, "nllb"),
        ({"model_type": "nllb-moe"}, {}, "nllb"),
        ({"model_type": "m2m_100"}, {"tokenizer_class": "M2M100Tokenizer"}, "m2m100"),
        ({"model_type": "m2m_100"}, {}, "m2m100"),
        ({"model_type": "m2m_100"}, {"tokenizer_class": "PreTrainedTokenizerFast"}, "plain"),
        ({"model_type": "mbart"}, {"tokenizer_class": "MBart50TokenizerFast"}, "mbart50"),
        ({"model_type": "marian"}, {"tokenizer_class": "MarianTokenizer"}, "plain"),
        ({"model_type": "t5"}, {}, "plain"),
    ],
)
def test_kind_of_a_model_is_read_from_its_files(
    config: dict[str, str], tokenizer: dict[str, str], how: str
) -> None:
    assert codes.kind(config, tokenizer) == how


def test_model_of_one_language_is_asked_for_one_or_given_codes() -> None:
    assert not codes.problems(Translate(model="opus", languages=("de",)), "plain", "en")
    (found,) = codes.problems(Translate(model="opus", languages=("de", "fr")), "plain", "en")
    assert "is asked for 2 (de, fr)" in found
    given = Translate(
        model="opus", languages=("de", "fr"), language_codes={"de": ">>deu<<", "fr": ">>fra<<"}
    )
    assert not codes.problems(given, "plain", "en")


def test_model_without_a_table_needs_the_code_of_the_source_too() -> None:
    spec = Translate(model="mbart", languages=("de",), language_codes={"de": "de_DE"})
    (found,) = codes.problems(spec, "mbart50", "en")
    assert "no code for en" in found
