"""Translations that are collected first and made together.

Which translations a row needs is known only while it is rewritten: whether an answer must be
translated on its own depends on the translation of its sentence. So a rewriter asks
`TranslationRequests`. Missing translations are noted and the row is postponed (`Pending`). After
all rows were tried, everything noted is translated in one go, each text once, and the rows are
tried again until nothing is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from xstilts.data.transforms import sentences

Texts = dict[str, dict[str, None]]
"""Language to texts, each once."""
Translations = Mapping[str, str | None]
"""Text to its translation; None if the model gave no usable one."""


class Pending(Exception):
    """A translation does not exist yet; it was noted."""


class TranslationRequests:
    """The translations known so far, and those still wanted."""

    def __init__(self, fetch: Callable[[Texts], Mapping[str, Translations]]) -> None:
        self._fetch = fetch
        self._known: dict[str, dict[str, str | None]] = {}
        self._wanted: Texts = {}

    def sentences(self, texts: Sequence[str], language: str) -> list[str | None]:
        """Translations of some sentences; one without letters stays as it is. Raises Pending."""
        known = self._known.setdefault(language, {})
        missing = [text for text in texts if text not in known and _has_letter(text)]
        if missing:
            self._wanted.setdefault(language, {}).update(dict.fromkeys(missing))
            raise Pending
        return [known.get(text, text) for text in texts]

    def texts(self, texts: Sequence[str], language: str) -> list[str] | None:
        """Translations of some texts, sentence by sentence; None if a sentence has no usable one.
        Raises Pending.
        """
        places = [sentences.spans(text) for text in texts]
        parts = [
            text[begin:end]
            for text, spans in zip(texts, places, strict=True)
            for begin, end in spans
        ]
        rest = iter(self.sentences(parts, language))
        made = []
        for text, spans in zip(texts, places, strict=True):
            new = [next(rest) for _ in spans]
            made.append((text, spans, [one for one in new if one is not None]))
        if any(len(spans) != len(new) for _, spans, new in made):
            return None
        return [sentences.rejoined(text, spans, new, language)[0] for text, spans, new in made]

    def fill(self, attempts: Callable[[], Iterable[object]]) -> None:
        """Tries all rows by running `attempts`, then translates what is wanted; repeats until
        nothing is.
        """
        while True:
            for _ in attempts():
                pass
            if not self._wanted:
                return
            wanted, self._wanted = self._wanted, {}
            for language, found in self._fetch(wanted).items():
                self._known.setdefault(language, {}).update(found)


def _has_letter(text: str) -> bool:
    return any(letter.isalpha() for letter in text)
