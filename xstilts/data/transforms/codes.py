"""What translation models call a language.

Multilingual models learn source and target language from special tokens: NLLB's name language and
script (`deu_Latn`), M2M100's are ISO codes. The tables hold the languages of XTREME and XTREME-R;
codes for other languages, and for models without a table here (mBART-50), come from
`language_codes`. Other models (opus-mt, any model for one pair) get no token and translate into one
language; for opus-mt models with several targets, `language_codes` gives a text to put before each
sentence (`>>deu<<`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from xstilts.spec.transforms import Translate

Kind = Literal["nllb", "m2m100", "mbart50", "plain"]
NLLB: Mapping[str, str] = MappingProxyType(
    {
        "af": "afr_Latn",
        "ar": "arb_Arab",
        "az": "azj_Latn",
        "bg": "bul_Cyrl",
        "bn": "ben_Beng",
        "de": "deu_Latn",
        "el": "ell_Grek",
        "en": "eng_Latn",
        "es": "spa_Latn",
        "et": "est_Latn",
        "eu": "eus_Latn",
        "fa": "pes_Arab",
        "fi": "fin_Latn",
        "fr": "fra_Latn",
        "gu": "guj_Gujr",
        "he": "heb_Hebr",
        "hi": "hin_Deva",
        "ht": "hat_Latn",
        "hu": "hun_Latn",
        "id": "ind_Latn",
        "it": "ita_Latn",
        "ja": "jpn_Jpan",
        "jv": "jav_Latn",
        "ka": "kat_Geor",
        "kk": "kaz_Cyrl",
        "ko": "kor_Hang",
        "lt": "lit_Latn",
        "ml": "mal_Mlym",
        "mr": "mar_Deva",
        "ms": "zsm_Latn",
        "my": "mya_Mymr",
        "nl": "nld_Latn",
        "pa": "pan_Guru",
        "pl": "pol_Latn",
        "pt": "por_Latn",
        "qu": "quy_Latn",
        "ro": "ron_Latn",
        "ru": "rus_Cyrl",
        "sw": "swh_Latn",
        "ta": "tam_Taml",
        "te": "tel_Telu",
        "th": "tha_Thai",
        "tl": "tgl_Latn",
        "tr": "tur_Latn",
        "uk": "ukr_Cyrl",
        "ur": "urd_Arab",
        "vi": "vie_Latn",
        "wo": "wol_Latn",
        "yo": "yor_Latn",
        "zh": "zho_Hans",
    }
)
"""ISO code to NLLB's code."""
M2M100 = frozenset(NLLB) - {"eu", "qu", "te"}
"""ISO codes of those of these languages that M2M100 has."""


def kind(config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]) -> Kind:
    """How a model takes its languages, from its `config.json` and `tokenizer_config.json`."""
    tokenizer = str(
        tokenizer_config.get("tokenizer_class") or config.get("tokenizer_class") or ""
    ).removesuffix("Fast")
    model = config.get("model_type")
    if tokenizer == "NllbTokenizer" or model == "nllb-moe":
        return "nllb"
    if tokenizer == "MBart50Tokenizer":
        return "mbart50"
    return "m2m100" if (tokenizer or model) in ("M2M100Tokenizer", "m2m_100") else "plain"


def code(spec: Translate, how: Kind, language: str) -> str | None:
    """The model's code for a language; None if none is known. A plain model needs none: empty."""
    if language in spec.language_codes:
        return spec.language_codes[language]
    if how == "plain":
        return ""
    if how == "nllb":
        return NLLB.get(language)
    return language if how == "m2m100" and language in M2M100 else None


def problems(spec: Translate, how: Kind, source: str) -> list[str]:
    """Problems with the languages of a translation."""
    found = []
    asked = spec.languages if how == "plain" else (source, *spec.languages)
    missing = [one for one in dict.fromkeys(asked) if code(spec, how, one) is None]
    if missing:
        found.append(
            f"no code for {', '.join(missing)} is known for this {how} model; give its own: "
            f"`language_codes: {{{missing[0]}: ...}}`"
        )
    if source in spec.languages:
        found.append(
            f"`languages` names {source}, the language of the rows; leave it out (`share` "
            "keeps rows as they are)"
        )
    if (
        how == "plain"
        and len(set(spec.languages)) > 1
        and any(not code(spec, how, one) for one in spec.languages)
    ):
        found.append(
            f"a model for one language is asked for {len(spec.languages)} "
            f"({', '.join(spec.languages)}); give each language a task with a model of its own, or "
            "give `language_codes` with the text to put before a sentence (`de: '>>deu<<'`)"
        )
    return found
