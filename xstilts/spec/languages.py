"""What a language code means: the one place where the names of languages are compared.

A sweep file calls a language as its source does: `zh`, `zh-CN`, `zh_Hans`, `zho`. Tables, file
names, stores and MLflow keep that word. Everything that depends on *which* language it is asks the
resolved value: the rules of scorers, spaces between words, codes of translation models, whether a
language is seen or zero-shot, what a benchmark calls it.

Codes are BCP 47 tags, canonical as CLDR has them (langcodes): `iw` is `he`, `eng` is `en`,
`zho_Hans` is `zh-Hans`, `sh` is `sr-Latn`. The dominant member of a macrolanguage is the
macrolanguage: `cmn` is `zh`, `arb` is `ar`, `swh` is `sw`, `nb` is `no`; other members stay
themselves (`yue`, `arz`, `nn`). `tl` and `fil` are one language, as in CLDR: Filipino is
standardised Tagalog, and corpora call the same text by either. A script is the stated one, else the
likely one (`zh-TW` is in Hant).

**Zero-shot** goes by the language alone: whoever trained on `en` or `zh-Hans` did train on `en-GB`
and `zh-Hant`. **Seen** also goes by script where the list of pretraining languages states one: `hi`
in a card covers `hi-Latn`, `hi-Deva` does not. Of `und`, `mul`, `mis` and `zxx` neither is known:
they count as not zero-shot, and as neither seen nor unseen.

Private codes (`x-mine`, `qaa` to `qtz`) are languages of their own, and so is whatever is no code:
the generator's `xa`. `sweep_file.language_rules` decides which words a sweep file may use; here
every word has an answer. Names of programming languages would be accepted by `is_known` and
resolved by `resolve`, and nowhere else.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

UNKNOWN_SCRIPT = "Zzzz"
"""ISO 15924's code for a script that is not known."""
UNDETERMINED = frozenset({"und", "mul", "mis", "zxx"})
"""Codes of ISO 639-2 that name no language."""
LONGEST = 35
"""Characters of a code; BCP 47 (RFC 5646, section 4.4.1) asks that at least these be kept."""
_FORM = re.compile(r"[A-Za-z0-9]{1,8}(?:[-_][A-Za-z0-9]{1,8})*")
_DOMINANT = {"nb": "no"}
"""Members of macrolanguages that langcodes leaves apart: nine tenths of what is written in
Norwegian is Bokmål, and corpora and models call it `no`.
"""
_SAME_SCRIPT = {"Hang": "Kore", "Aran": "Arab"}
"""Scripts that texts of one kind are said to be in: Korean with or without a few Han characters,
Arabic letters in either style.
"""


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language, whatever it was called."""

    tag: str
    """Canonical BCP 47 tag; without a script where it is the language's usual one."""
    code: str
    """The language alone: `zh` for `zh-Hant-TW`."""
    script: str
    """ISO 15924 code, stated or likely; `UNKNOWN_SCRIPT` if neither."""
    territory: str = ""
    """As stated."""
    script_stated: bool = False
    """Whether the word states the script."""


@cache
def resolve(word: str) -> Language:
    """The language that `word` means; a word that is no code is a language of its own."""
    found = _parsed(word)
    if found is None:
        return Language(tag=word, code=word, script=UNKNOWN_SCRIPT)
    if found.language is None and found.private:  # `x-mine`
        return Language(tag=found.to_tag(), code=found.to_tag(), script=UNKNOWN_SCRIPT)
    common = found.prefer_macrolanguage()
    code = common.language or "und"
    common = common.update_dict({"language": _DOMINANT.get(code, code)})
    return Language(
        tag=common.simplify_script().to_tag(),
        code=common.language,
        script=_SAME_SCRIPT.get(script := common.script or _likely_script(common), script),
        territory=common.territory or "",
        script_stated=found.script is not None,
    )


def is_known(word: str) -> bool:
    """Whether `word` is a code: a valid tag whose parts are all registered, or a private one."""
    return _parsed(word) is not None


def same(first: str, second: str) -> bool:
    """Whether two words name one language in one script (`zh-CN` and `zho`, `he` and `iw`)."""
    one, other = resolve(first), resolve(second)
    scripts = {one.script, other.script}
    return one.code == other.code and (len(scripts) == 1 or UNKNOWN_SCRIPT in scripts)


def alias(word: str, among: Iterable[str]) -> str | None:
    """The word in `among` with the same meaning: `word` itself, else one with the same tag, else
    one of the same language and script; None if there is none.
    """
    words = list(among)
    if word in words:
        return word
    tag = resolve(word).tag
    found = [one for one in words if resolve(one).tag == tag]
    found += [one for one in words if same(one, word)]
    return found[0] if found else None


def trained_on(languages: Iterable[str], word: str) -> bool:
    """Whether a task with these training languages was trained on `word`: it is not zero-shot."""
    codes = {resolve(one).code for one in languages}
    code = resolve(word).code
    return code in codes or bool(codes and {code, *codes} & UNDETERMINED)


def seen(listed: Collection[str], word: str) -> bool | None:
    """Whether a model with these pretraining languages has seen `word`; None if that can't be
    known.
    """
    language, known = resolve(word), [resolve(one) for one in listed]
    if any(
        one.code == language.code and (not one.script_stated or one.script == language.script)
        for one in known
    ):
        return None if language.code in UNDETERMINED else True
    open_ended = {language.code, *(one.code for one in known)} & UNDETERMINED
    return None if open_ended else False


def suggestion(word: str) -> str:
    """The known code that `word` most likely means: that of a language of this or a similar name
    (`Chinese`, `englsh`), the part before a hyphen (`zh-CHS`), or the language of the country of
    this code (`cz`); empty if there is none.
    """
    text = word.strip().replace("_", " ").replace("-", " ")
    first = text.partition(" ")[0]
    named = next((code for one in (text, first) if (code := _named(one))), "")
    if named or is_known(first):
        return named or first
    return _of_country(first) or _nearly_named(text)


def _named(name: str) -> str:
    """Tag of the language that has this name, in any language that CLDR has names in."""
    import langcodes

    if not name.isprintable():  # the index of names cannot be asked for a control character
        return ""
    try:
        return resolve(langcodes.find(name).to_tag()).tag if len(name) > 3 else ""
    except LookupError:
        return ""


def _nearly_named(name: str) -> str:
    from langcodes import Language as Parsed
    from langcodes.data_dicts import LIKELY_SUBTAGS

    names = {
        Parsed.get(code).display_name().lower(): code for code in LIKELY_SUBTAGS if len(code) == 2
    }
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    return resolve(names[close[0]]).tag if close else ""


def _of_country(code: str) -> str:
    found = _parsed(f"und-{code}") if re.fullmatch("[A-Za-z]{2}", code) else None
    private = re.fullmatch("AA|Q[M-Z]|X[A-Z]|ZZ", code.upper())
    return "" if found is None or private else str(found.maximize().language)


@cache
def _parsed(word: str) -> Any:
    """langcodes' value of a code; None for a word that is none."""
    import langcodes

    if len(word) > LONGEST or not _FORM.fullmatch(word):
        return None
    try:
        found = langcodes.Language.get(word)
    except langcodes.LanguageTagError:
        return None
    return found if found.is_valid() and not found.extlangs else None


def _likely_script(found: Any) -> str:
    from langcodes.data_dicts import LIKELY_SUBTAGS

    listed = found.language in LIKELY_SUBTAGS and found.language not in UNDETERMINED
    return str(found.maximize().script) if listed else UNKNOWN_SCRIPT
