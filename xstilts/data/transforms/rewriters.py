"""The four kinds of transform behind one interface: a row becomes a new row, or is dropped for a
reason.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from xstilts.data.transforms import dictionary, inputs, lookup, shards, translate
from xstilts.data.transforms.pseudo import Inventor
from xstilts.data.transforms.requests import Pending, Texts, TranslationRequests, Translations
from xstilts.data.transforms.rows import Dropped, Row, reworded
from xstilts.data.transforms.words import ReplacedText, replace, runs
from xstilts.sources.base_models import model_revision
from xstilts.spec.digests import digest
from xstilts.spec.format_specs import FormatName
from xstilts.spec.task import Task
from xstilts.spec.transforms import Translate
from xstilts.store.inside import inside

if TYPE_CHECKING:
    from xstilts.data.transforms.translator import Translator
    from xstilts.sources.context import DataContext

Rows = Callable[[], Iterable[tuple[Row, str]]]
"""Yields all rows to be rewritten, each with its new language."""
_TEXTS_KEPT = 256
"""Number of rewritten texts remembered: SQuAD has about five questions for each paragraph."""
TRANSLATE_VERSION = 1
"""Raised when the same sentence is translated differently."""


class Rewriter(Protocol):
    """Rewrites rows; each table has its own."""

    translates: bool
    """Whether a rewritten row is in another language."""

    def prepare(self, rows: Rows) -> None:
        """Called once, before any row is rewritten."""

    def rewritten(
        self, row: Row, language: str, draws: random.Random, tally: Counter[str]
    ) -> Row | Dropped:
        """The new row; `draws` is a random stream for this row alone; counts go to `tally`."""


def rewriter_of(task: Task, source: str, context: DataContext) -> Rewriter:
    """The rewriter for the rows of a task in the language `source`."""
    transform = task.transform
    assert transform is not None
    if transform.translate is not None:
        return _Translating(transform.translate, task.format, source, context)
    if transform.lookup is not None:
        known = transform.lookup
        return _LookingUp(
            {one: inputs.lookup_table(known, one, context) for one in known.languages}, task.format
        )
    if transform.dictionary is not None:
        words = transform.dictionary
        read = {one: inputs.dictionary_table(words, one, context) for one in words.languages}
        return _Switching(dictionary.Switcher(words, read, task.format))
    assert transform.pseudo is not None
    return _Inventing(Inventor(transform.seed, transform.pseudo.word_ratio), task.format)


class _Plain:
    translates = False

    def prepare(self, rows: Rows) -> None:
        """Nothing to do."""


class _Switching(_Plain):
    def __init__(self, switcher: dictionary.Switcher) -> None:
        self._switcher = switcher

    def rewritten(
        self, row: Row, language: str, draws: random.Random, tally: Counter[str]
    ) -> Row | Dropped:
        return self._switcher.rewritten(row, draws, language, tally)


class _Inventing(_Plain):
    def __init__(self, inventor: Inventor, format_name: FormatName) -> None:
        self._inventor, self._format = inventor, format_name
        self._known = lru_cache(maxsize=_TEXTS_KEPT)(self._made)

    def rewritten(
        self, row: Row, language: str, draws: random.Random, tally: Counter[str]
    ) -> Row | Dropped:
        def new(text: str) -> ReplacedText:
            made = self._known(text)
            tally["words"] += len(made.places)
            tally["words replaced"] += sum(changed for *_, changed in made.places)
            return made

        return reworded(row, self._format, new)

    def _made(self, text: str) -> ReplacedText:
        return replace(text, runs(), self._inventor.word)


class _LookingUp(_Plain):
    translates = True

    def __init__(self, tables: Mapping[str, lookup.Table], format_name: FormatName) -> None:
        self._tables, self._format = tables, format_name

    def rewritten(
        self, row: Row, language: str, draws: random.Random, tally: Counter[str]
    ) -> Row | Dropped:
        return lookup.rewritten(row, self._format, self._tables[language], language, tally)


class _Translating:
    translates = True

    def __init__(
        self, spec: Translate, format_name: FormatName, source: str, context: DataContext
    ) -> None:
        self._spec, self._format, self._source, self._context = spec, format_name, source, context
        self._requests = TranslationRequests(self._fetch)
        self._translator: Translator | None = None

    def prepare(self, rows: Rows) -> None:
        """Makes all translations that the rows need, then frees the model."""

        def attempts() -> Iterable[None]:
            for row, language in rows():
                try:
                    translate.rewritten(row, self._format, language, self._requests, Counter())
                except Pending:
                    yield

        self._requests.fill(attempts)
        self._translator = None

    def rewritten(
        self, row: Row, language: str, draws: random.Random, tally: Counter[str]
    ) -> Row | Dropped:
        """See `Rewriter.rewritten`."""
        return translate.rewritten(row, self._format, language, self._requests, tally)

    def _fetch(self, wanted: Texts) -> dict[str, Translations]:
        folder = Path(
            self._context.cache,
            "transforms",
            translations_key(self._spec, self._source, self._context),
        )
        return {
            language: shards.translated(
                texts, inside(folder, language), partial(self._opened, language)
            )
            for language, texts in wanted.items()
        }

    def _opened(self, language: str) -> shards.Translate:
        from xstilts.data.transforms.translator import Translator

        if self._translator is None:
            how = inputs.model_kind(self._spec, self._context)
            self._translator = Translator(self._spec, how, self._source, self._context)
        translator = self._translator
        return lambda texts: translator.translated(texts, language)


def translations_key(spec: Translate, source: str, context: DataContext) -> str:
    """Hash of everything that decides translations; the batch size affects only rounding."""
    return digest(
        {
            "version": TRANSLATE_VERSION,
            "model": model_revision(spec.model, context, spec.revision),
            "source": source,
            "language_codes": spec.language_codes,
            "beams": spec.beams,
            "max_new_tokens": spec.max_new_tokens,
        }
    )
