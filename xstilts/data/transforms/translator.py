"""The translation model itself: sentences in, translations out, on the GPU if there is one.

It is any model that `AutoModelForSeq2SeqLM` can open, and uses the model's own `generate`, greedy
or with beams. Weights are safetensors, in float32, and no code from the model's repository is run.
A sentence longer than the model can read is cut into parts at spaces. A translation may have four
tokens for each token of its sentence plus 32, and at most `max_new_tokens`; one that has not ended
by then is a loop or a fragment and is discarded. The result depends on the sentence alone, except
for rounding that differs with batch size or machine.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xstilts.data.transforms import codes
from xstilts.errors import DataError, first_line
from xstilts.models.checkpoints import loading
from xstilts.sources.base_models import base_place
from xstilts.spec.transforms import Translate

if TYPE_CHECKING:
    from xstilts.sources.context import DataContext

_EXTRA_TOKENS, _TOKENS_PER_TOKEN = 32, 4
_UNBOUNDED = 100_000
"""Tokenizers without a limit state a number above this."""


class Translator:
    """An opened model that translates from `source`."""

    def __init__(self, spec: Translate, how: codes.Kind, source: str, context: DataContext) -> None:
        import torch

        self._spec, self._how, self._source = spec, how, source
        self._place, revision = base_place(spec.model, spec.revision, context)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer, self._model = _opened(self._place, revision)
        self._model.to(self._device).eval()
        self._model.generation_config.num_beams = spec.beams
        if spec.beams == 1:
            self._model.generation_config.early_stopping = None
        positions = getattr(self._model.config, "max_position_embeddings", None) or _UNBOUNDED
        self._longest = max(8, min(self._tokenizer.model_max_length, positions) - 8)
        self._most_new = max(8, min(spec.max_new_tokens, positions - 2))
        if how != "plain":
            self._tokenizer.src_lang = self._code(source)
            self._id(self._code(source))

    def translated(self, texts: Sequence[str], language: str) -> list[str | None]:
        """Translations into `language`, in order; None for one that did not end or is empty."""
        put = self._code(language) if self._how == "plain" else ""
        parts = [[f"{put} {part}" if put else part for part in self._parts(text)] for text in texts]
        flat = [part for one in parts for part in one]
        order = sorted(range(len(flat)), key=lambda i: -len(flat[i]))
        made: list[str | None] = [None] * len(flat)
        size = self._spec.batch_size
        for start in range(0, len(order), size):
            some = order[start : start + size]
            for i, text in zip(
                some, self._generated([flat[i] for i in some], language), strict=True
            ):
                made[i] = text
        rest = iter(made)
        return [_whole([next(rest) for _ in one]) for one in parts]

    def _parts(self, text: str) -> Iterator[str]:
        """The text, halved at the space nearest the middle until the model can read each part."""
        if (
            4 * len(text) < self._longest
            or len(self._tokenizer(text)["input_ids"]) <= self._longest
        ):
            yield text
            return
        middle = len(text) // 2
        blanks = [
            at for at, letter in enumerate(text) if letter.isspace() and 0 < at < len(text) - 1
        ]
        cut = min(blanks, key=lambda at: abs(at - middle), default=middle)
        yield from self._parts(text[:cut].strip())
        yield from self._parts(text[cut:].strip())

    def _generated(self, texts: list[str], language: str) -> Iterator[str | None]:
        import torch

        batch = self._tokenizer(
            texts, padding=True, return_tensors="pt", return_token_type_ids=False
        )
        bounds = (
            (_TOKENS_PER_TOKEN * batch["attention_mask"].sum(dim=1) + _EXTRA_TOKENS)
            .clamp(max=self._most_new)
            .tolist()
        )
        settings = copy.deepcopy(self._model.generation_config)
        settings.max_new_tokens = max(bounds)
        if self._how != "plain":
            settings.forced_bos_token_id = self._id(self._code(language))
        with torch.inference_mode():
            ids = self._model.generate(**batch.to(self._device), generation_config=settings)
        rows = [
            _ended(row, bound, self._ends)
            for row, bound in zip(ids[:, 1:].tolist(), bounds, strict=True)
        ]
        # Not every tokenizer drops the forced first token as a special one.
        first = 0 if settings.forced_bos_token_id is None else 1
        decoded = self._tokenizer.batch_decode(
            [(row or [])[first:] for row in rows], skip_special_tokens=True
        )
        for row, text in zip(rows, decoded, strict=True):
            yield (text.strip() or None) if row is not None else None

    @property
    def _ends(self) -> frozenset[int]:
        end = self._model.generation_config.eos_token_id
        return frozenset(end if isinstance(end, list) else [end])

    def _code(self, language: str) -> str:
        found = codes.code(self._spec, self._how, language)
        if found is None:
            raise DataError("; ".join(codes.problems(self._spec, self._how, self._source)))
        return found

    def _id(self, word: str) -> int:
        """Id of a language's token; DataError if the model has none."""
        known = getattr(self._tokenizer, "lang_code_to_token", {}).get(word, word)
        found = self._tokenizer.convert_tokens_to_ids(known)
        if found is None or found == self._tokenizer.unk_token_id:
            raise DataError(
                f"model {self._spec.model}: its tokenizer has no language `{word}`; "
                "give the model's own code in `language_codes`"
            )
        return int(found)


def _opened(place: str, revision: str | None) -> tuple[Any, Any]:
    """Tokenizer and model, set to generate one translation for each text."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    common = {"revision": revision or "main", "trust_remote_code": False}
    try:
        with loading(place, stored=False):
            tokenizer = AutoTokenizer.from_pretrained(place, **common)
            model, report = AutoModelForSeq2SeqLM.from_pretrained(
                place, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **common
            )
    except ImportError as error:
        raise DataError(
            f"model {place}: its tokenizer needs another package: {first_line(error)}"
        ) from error
    if report["missing_keys"]:
        lacking = ", ".join(sorted(report["missing_keys"])[:3])
        raise DataError(
            f"model {place}: its weights lack {lacking}; it must be a complete translation model"
        )
    settings = model.generation_config
    settings.do_sample, settings.num_return_sequences, settings.max_length = False, 1, None
    # A forced end would hide that a translation was cut short.
    settings.forced_eos_token_id = None
    return tokenizer, model


def _ended(row: list[int], bound: int, ends: frozenset[int]) -> list[int] | None:
    """The ids before the end token; None if it does not come within `bound` tokens."""
    end = next((at for at, one in enumerate(row) if one in ends), len(row))
    return row[:end] if end < min(bound, len(row)) else None


def _whole(parts: list[str | None]) -> str | None:
    made = [part for part in parts if part is not None]
    return " ".join(made) if len(made) == len(parts) else None
