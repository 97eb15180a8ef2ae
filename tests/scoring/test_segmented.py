import pytest

from xstilts.scoring import segmented


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("en", "The Denver-Broncos", ["denverbroncos"]),
        ("de", "an the", ["an", "the"]),  # English articles are words elsewhere
        ("zh", "北京，2008年", ["北", "京", "2008", "年"]),
        ("zh", "㐀㐁", ["㐀", "㐁"]),  # every Han character, the rare ones too
        ("ja", "カﾀｶﾅ ー", ["カ", "タ", "カ", "ナ", "ー"]),  # half-width is the same character
        ("en", "２０１２ km", ["2012", "km"]),
        ("th", "น้ำ", ["น้ํ", "า"]),  # the vowel am is a sign on the consonant and a letter (NFKC)
        ("lo", "ລາວ", ["ລ", "າ", "ວ"]),
        ("my", "မြန်", ["မြ", "န်"]),
        ("km", "ខេ", ["ខេ"]),
        ("ko", "서울 시", ["서울", "시"]),  # Korean writes blanks
        ("hi", "यह घर।", ["यह", "घर"]),
        ("ar", "الكتاب،", ["الكتاب"]),
        ("de", "STRASSE straße", ["strasse", "strasse"]),
        (None, "the", ["the"]),
        ("en", "", []),
    ],
)
def test_normalise_gives_tokens_of_the_script(
    language: str | None, text: str, tokens: list[str]
) -> None:
    assert segmented.normalise(text, language).split() == tokens


def test_score_thai_shares_characters() -> None:
    # กรุงเทพ is ก รุ ง เ ท พ (6), เทพ is เ ท พ (3): 2 * 3 / 9
    assert segmented.scorer("th").score("กรุงเทพ", ["เทพ"]).f1 == pytest.approx(2 / 3)


def test_score_punctuation_of_the_script_does_not_count() -> None:
    assert segmented.scorer("zh").score("东京。", ["东京"]).f1 == 1.0
    assert segmented.scorer("ar").score("باريس،", ["باريس"]).f1 == 1.0


def test_score_without_tokens_agrees() -> None:
    assert segmented.scorer("en").score("?", ["the"]).f1 == 1.0
    assert segmented.scorer("en").score("", ["Paris"]).f1 == 0.0
