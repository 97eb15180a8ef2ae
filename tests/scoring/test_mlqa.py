import pytest

from xstilts.scoring import mlqa, squad


@pytest.mark.parametrize(
    ("language", "text", "normalised"),
    [
        ("en", "The  Denver\tBroncos.", "denver broncos"),
        ("en", "a “re-use” — of an apple…", "reuse of apple"),  # Unicode's punctuation goes too
        ("en", "$5 + 2^3", "5 23"),  # symbols that SQuAD drops, though Unicode calls them none
        ("en", "5 €", "5 €"),  # a symbol that neither drops
        ("es", "Los niños de la calle", "niños de calle"),
        ("es", "¿Qué?", "qué"),
        ("de", "Einem der Hunde des Dorfes", "hunde dorfes"),
        ("de", "Derby, eins", "derby eins"),  # articles are whole words
        ("vi", "những chiếc xe của tôi", "xe tôi"),
        ("hi", "यह एक घर है।", "यह एक घर है"),
        ("ar", "الكتاب", "كتاب"),
        ("ar", "في العام، الماضي", "في عام ماضي"),
        ("ar", "مقالة", "مق ة"),  # inside a word as well, which leaves two tokens
        ("zh", "北京市", "北 京 市"),
        ("zh", "在2008年，北京Olympic Games", "在 2008 年 北 京 olympic games"),
        ("zh", "㐀㐁", "㐀㐁"),  # characters outside U+4E00..U+9FA5 stay together
        ("ru", "The Москва, а не", "the москва а не"),  # a language it does not know: no articles
        ("", "«»", ""),
    ],
)
def test_normalise_text_follows_the_language(language: str, text: str, normalised: str) -> None:
    assert mlqa.normalise(text, language) == normalised


def test_score_chinese_counts_characters() -> None:
    # 北京市 against 北京: 2 * 2 / (3 + 2); SQuAD's F1 is 0
    assert mlqa.scorer("zh").score("北京市", ["北京"]) == (0.0, pytest.approx(0.8))
    assert squad.score("北京市", ["北京"]) == (0.0, 0.0)


def test_score_arabic_prefix_is_an_article() -> None:
    assert mlqa.scorer("ar").score("الكتاب", ["كتاب"]) == (1.0, 1.0)
    # مقالة is two tokens, مق and ة: against itself exact; against مق half of 2 * 1 / (2 + 1)
    assert mlqa.scorer("ar").score("مقالة", ["مق"]) == (0.0, pytest.approx(2 / 3))


def test_score_spanish_article_goes_only_in_spanish() -> None:
    assert mlqa.scorer("es").score("la casa", ["casa"]) == (1.0, 1.0)
    assert mlqa.scorer("en").score("la casa", ["casa"]) == (0.0, pytest.approx(2 / 3))


def test_score_several_golds_takes_best_of_each() -> None:
    # exact against neither; "hunde dorfes" against "dorfes": 2 * 1 / 3, against "katze": 0
    assert mlqa.scorer("de").score("die Hunde des Dorfes", ["Katze", "das Dorfes"]) == (
        0.0,
        pytest.approx(2 / 3),
    )


def test_score_empty_answers_match_without_f1_unless_told() -> None:
    assert mlqa.scorer("zh").score("。", ["，"]) == (1.0, 0.0)
    assert mlqa.scorer("zh", empty_f1=1.0).score("。", ["，"]) == (1.0, 1.0)
    assert mlqa.scorer("zh").score("", ["北"]) == (0.0, 0.0)
