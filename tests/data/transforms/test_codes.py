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


def code(how: codes.Kind, language: str, **own: str) -> str | None:
    return codes.code(
        Translate(model="m", languages=(language,), language_codes=own), how, language
    )


def test_codes_of_nllb_are_those_that_it_knows_and_each_names_itself() -> None:
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    assert sorted(NLLB) == sorted(FAIRSEQ_LANGUAGE_CODES)
    assert [code("nllb", one) for one in NLLB] == list(NLLB)


def test_every_language_of_xtreme_and_xtreme_r_has_a_code() -> None:
    words = [*XTREME.split(), *XTREME_R.split()]
    found = [code("nllb", one) for one in words]
    assert None not in found and len({*found}) == len(words)
    assert [one for one in words if code("m2m100", one) is None] == ["eu", "te", "qu"]


@pytest.mark.parametrize(
    ("word", "nllb", "m2m100"),
    [
        ("zh", "zho_Hans", "zh"),
        ("zh-CN", "zho_Hans", "zh"),
        ("zho", "zho_Hans", "zh"),
        ("zh-Hant", "zho_Hant", None),
        ("zh-TW", "zho_Hant", None),
        ("iw", "heb_Hebr", "he"),
        ("in", "ind_Latn", "id"),
        ("jw", "jav_Latn", "jv"),
        ("fil", "tgl_Latn", "tl"),
        ("pt-BR", "por_Latn", "pt"),
        ("en-GB", "eng_Latn", "en"),
        ("nb", "nob_Latn", "no"),
        ("ko", "kor_Hang", "ko"),
        ("quy", "quy_Latn", None),
        ("prs", "prs_Arab", "fa"),
        ("nso", "nso_Latn", "ns"),
        ("sr-Latn", None, None),
        ("x-mine", None, None),
    ],
)
def test_code_is_that_of_the_language_however_it_is_called(
    word: str, nllb: str | None, m2m100: str | None
) -> None:
    assert (code("nllb", word), code("m2m100", word)) == (nllb, m2m100)


def test_code_of_the_user_counts_first_and_under_any_name() -> None:
    assert code("nllb", "zh", zh="zho_Hant") == "zho_Hant"
    assert code("nllb", "iw", he="own") == "own"


def test_translation_into_the_language_of_the_rows_is_found_under_another_name() -> None:
    (found,) = codes.problems(Translate(model="m", languages=("en-GB", "de")), "nllb", "en")
    assert found.startswith("`languages` names en-GB, the language of the rows")


def test_codes_of_m2m100_are_those_that_it_knows() -> None:
    import transformers

    source = (
        Path(transformers.__file__).parent / "models/m2m_100/tokenization_m2m_100.py"
    )  # importing it needs sentencepiece
    line = next(line for line in source.read_text().splitlines() if '"m2m100": [' in line)
    known = set(re.findall(r'"(\w+)"', line.split("[", 1)[1]))
    assert known == {*M2M100}


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
