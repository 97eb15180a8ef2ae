"""What can be made of a task's training rows before they are tokenised.

A `Transform` is one of four kinds: machine translation, translations from files, code-switching by
dictionary, invented words. These are values only; `xstilts/data/transforms/` carries them out.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from xstilts.spec.frozen import Frozen


class Translate(Frozen):
    """Machine translation with a sequence-to-sequence model (NLLB, M2M100, opus-mt)."""

    model: str
    """Model id of the hub, a mirror or a folder."""
    revision: str = "main"
    languages: tuple[str, ...] = Field(min_length=1)
    """ISO codes; with several, each row goes to one of them in turn."""
    language_codes: dict[str, str] = Field(default_factory=dict)
    """ISO code to the model's own word for it (`de: deu_Latn`); the tables of NLLB and M2M100 are
    built in.
    """
    beams: int = Field(default=1, ge=1)
    max_new_tokens: int = Field(default=256, ge=8)
    batch_size: int = Field(default=32, ge=1)


class Lookup(Frozen):
    """Translations that the user has: files with `text`, `translation` and, of several languages,
    `language`.
    """

    files: tuple[str, ...] = Field(min_length=1)
    """JSON lines, CSV, TSV or Parquet; relative to the sweep file; `{language}` is filled in."""
    languages: tuple[str, ...] = Field(min_length=1)


class Dictionary(Frozen):
    """Code-switching by dictionary (Qin et al. 2020, CoSDA-ML, arXiv 2006.06402)."""

    files: tuple[str, ...] = Field(min_length=1)
    """Lines of `word translation`, as MUSE has them; `{language}` is filled in; relative to the
    sweep file.
    """
    languages: tuple[str, ...] = Field(min_length=1)
    sentence_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the rows that are switched."""
    word_ratio: float = Field(default=0.5, gt=0, le=1)
    """Share of the words of such a row that are replaced, where a dictionary has them."""
    cross: bool = True
    """Each word draws its own language; else a row has one."""


class Pseudo(Frozen):
    """A control: every word becomes an invented one, the same everywhere; no language has it."""

    word_ratio: float = Field(default=1.0, gt=0, le=1)
    """Share of the words that are replaced."""


class Transform(Frozen):
    """What is made of a task's training rows before they are tokenised: exactly one of the four
    kinds.

    Development and test rows stay as they are, so arms are chosen by the same numbers.
    """

    translate: Translate | None = None
    lookup: Lookup | None = None
    dictionary: Dictionary | None = None
    pseudo: Pseudo | None = None
    share: float = Field(default=1.0, gt=0, le=1)
    """Share of the rows that are transformed; the others stay English."""
    add: bool = False
    """The transformed rows come after the English ones instead of in their place."""
    seed: int = 0
    """Of all that is drawn."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Transform:
        if (
            sum(x is not None for x in (self.translate, self.lookup, self.dictionary, self.pseudo))
            != 1
        ):
            raise ValueError(
                "a transform needs exactly one of translate, lookup, dictionary, pseudo"
            )
        return self

    def payload(self) -> dict[str, Any]:
        """What of it decides rows, beside what its files and its model hold: no paths, no batch
        size.
        """
        places = {
            "translate": ("model", "revision", "batch_size"),
            "lookup": ("files",),
            "dictionary": ("files",),
        }
        whole = self.model_dump(mode="json")
        return {
            key: {k: v for k, v in value.items() if k not in places[key]}
            if value and key in places
            else value
            for key, value in whole.items()
        }
