from __future__ import annotations

import pytest

from xstilts.spec import languages
from xstilts.spec.languages import UNKNOWN_SCRIPT, alias, is_known, resolve, same, seen, suggestion

SPELLINGS = (
    "zh zh-CN zh_CN ZH-cn zh-Hans zh_Hans zho zho_Hans chi cmn cmn-Hans zh-Hans-SG",
    "zh-Hant zh-TW zh_HK zho_Hant zh-hant-TW cmn-Hant",
    "en EN eng en-GB en_US en-US eng_Latn en-x-mine",
    "he iw heb iw-IL heb_Hebr",
    "id in ind id-ID ind_Latn",
    "jv jw jav",
    "tl fil tgl tgl_Latn fil-PH",
    "ar arb ara ar-EG arb_Arab",
    "sw swh swa swh_Latn",
    "ms zsm msa",
    "de deu ger de-AT de-1901",
    "pt pt-BR por pt_PT",
    "sr-Latn sh sr_Latn_RS",
    "no nb nob nb-NO nob_Latn",
    "ko kor kor_Hang ko-KR",
    "fa pes fas fa-IR",
    "ja jpn jpn_Jpan ja-JP",
    "ro mo ron rum",
)


@pytest.mark.parametrize("spellings", SPELLINGS, ids=lambda text: text.split()[0])
def test_spellings_of_one_language_are_the_same(spellings: str) -> None:
    first, *others = spellings.split()
    for word in others:
        assert is_known(word)
        assert same(first, word) and same(word, first)
        assert alias(word, [first]) == first
        assert not languages.trained_on([first], "x-other")
        assert languages.trained_on([first], word)
        assert seen([first], word) is True


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zh", "yue"),
        ("ar", "arz"),
        ("de", "gsw"),
        ("no", "nn"),
        ("id", "ms"),
        ("sr", "hr"),
        ("zh", "zh-Hant"),
        ("sr", "sr-Latn"),
        ("ja", "ja-Latn"),
        ("x-one", "x-two"),
        ("qaa", "qab"),
        ("xa", "xb"),
    ],
)
def test_languages_and_scripts_that_differ_are_not_the_same(one: str, other: str) -> None:
    assert not same(one, other)
    assert alias(one, [other]) is None


@pytest.mark.parametrize(
    ("word", "tag", "code", "script", "territory", "stated"),
    [
        ("zh", "zh", "zh", "Hans", "", False),
        ("zh_Hans", "zh-Hans", "zh", "Hans", "", True),
        ("zh-TW", "zh-TW", "zh", "Hant", "TW", False),
        ("iw", "he", "he", "Hebr", "", False),
        ("eng_Latn", "en", "en", "Latn", "", True),
        ("sh", "sr-Latn", "sr", "Latn", "", True),
        ("ja-Latn", "ja-Latn", "ja", "Latn", "", True),
        ("zh-u-co-pinyin", "zh-u-co-pinyin", "zh", "Hans", "", False),
        ("qaa", "qaa", "qaa", UNKNOWN_SCRIPT, "", False),
        ("x-mine", "x-mine", "x-mine", UNKNOWN_SCRIPT, "", False),
        ("und", "und", "und", UNKNOWN_SCRIPT, "", False),
        ("xa", "xa", "xa", UNKNOWN_SCRIPT, "", False),
    ],
)
def test_resolve_gives_tag_language_script_and_territory(
    word: str, tag: str, code: str, script: str, territory: str, stated: bool
) -> None:
    assert resolve(word) == languages.Language(
        tag=tag, code=code, script=script, territory=territory, script_stated=stated
    )


@pytest.mark.parametrize(
    "word",
    [
        *("../../x", "", "en/..", "en ", "en\n", "e", "chinese", "cz", "xx", "xa", "zh-foo", "x"),
        *("en-x", "a" * 40, "en\x00", "..", "en-x-" + "abcdefgh-" * 5 + "a", "é"),
    ],
)
def test_word_that_is_no_code_is_not_known(word: str) -> None:
    assert not is_known(word)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("chinese", "zh"),
        ("Chinese", "zh"),
        ("simplified_chinese", "zh-Hans"),
        ("english", "en"),
        ("Deutsch", "de"),
        ("portugese", "pt"),
        ("cz", "cs"),
        ("jp", "ja"),
        ("gr", "el"),
        ("us", "en"),
        ("zh-CHS", "zh"),
        ("fr_FR.UTF-8", "fr"),
        ("qqqqqqq", ""),
        ("xx", ""),
        ("../../x", ""),
        ("", ""),
    ],
)
def test_suggestion_is_what_the_word_most_likely_means(word: str, code: str) -> None:
    assert suggestion(word) == code


def test_alias_prefers_the_word_itself_then_its_tag_then_the_language() -> None:
    assert alias("pt-PT", ["pt", "pt-BR", "pt-PT"]) == "pt-PT"
    assert alias("pt_PT", ["pt", "pt-BR", "pt-PT"]) == "pt-PT"
    assert alias("pt-AO", ["pt-BR", "pt-PT"]) == "pt-BR"
    assert alias("pt", ["es", "zh"]) is None


@pytest.mark.parametrize(
    ("trained", "word", "is_trained"),
    [
        (["en"], "en-GB", True),
        (["eng"], "en", True),
        (["zh-Hans"], "zh-TW", True),
        (["sr"], "sr-Latn", True),
        (["en"], "de", False),
        (["zh"], "yue", False),
        ([], "en", False),
        (["en"], "mul", True),
        (["und"], "de", True),
        ([], "und", False),
    ],
)
def test_trained_on_goes_by_language_alone(trained: list[str], word: str, is_trained: bool) -> None:
    assert languages.trained_on(trained, word) is is_trained


@pytest.mark.parametrize(
    ("listed", "word", "known"),
    [
        (["zh"], "zh-Hant", True),
        (["zh-Hans"], "zh", True),
        (["zh-Hans"], "zh-TW", False),
        (["zh-Hans", "zh-Hant"], "zh-TW", True),
        (["hi"], "hi-Latn", True),
        (["hi-Deva"], "hi-Latn", False),
        (["hi-Deva"], "hi", True),
        (["sr-Latn"], "sr", False),
        (["tl"], "fil", True),
        (["ar"], "arz", False),
        (["en"], "mul", None),
        (["en", "mul"], "de", None),
        (["en", "mul"], "en-GB", True),
        (["mul"], "mul", None),
        (["xa"], "xa", True),
        (["xa"], "xb", False),
    ],
)
def test_seen_goes_by_script_where_the_list_states_one(
    listed: list[str], word: str, known: bool | None
) -> None:
    assert seen(listed, word) is known
