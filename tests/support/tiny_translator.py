"""A translation model of a few thousand weights that really translates: word by word, by weights
set by hand.

It is an M2M100 model with NLLB's tokenizer, so all of the path is the real one: files on disk, the
tokenizer's language tokens, `generate` with a forced first token, padding, beams. One layer a side:

    embedding of a word     its concept + its language (all concepts and languages are orthogonal)
    cross-attention         position t of the decoder looks at position t of the encoder and fetches
                            the concept
    decoder self-attention  every position looks at position 1, the language token, and fetches the
                            language
    output                  the word whose embedding is nearest: the concept in the language that
                            was asked for

Words that all languages share (names, marks) have no language part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CODES = {"en": "eng_Latn", "de": "deu_Latn", "sw": "swh_Latn"}
WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("The", "the", "dog", "cat", "sees", "house", "red", "is", "who", "in"),
    "de": ("Der", "der", "Hund", "Katze", "sieht", "Haus", "rote", "ist", "wer", "im"),
    "sw": ("Yule", "ile", "mbwa", "paka", "anaona", "nyumba", "nyekundu", "ni", "nani", "ndani"),
}
"""The same concepts in each language, in order."""
SHARED = ("Denver", "Anna", "1990", ".", "?", ",")
"""Words that all languages have."""
_WIDTH, _POSITIONS = 256, 62


def make_translator(
    folder: Path, *, marks: bool = True, words: Mapping[str, Sequence[str]] = WORDS
) -> Path:
    """A model folder for `words`; `marks`: whether it knows brackets (else they are lost)."""
    tokenizer = _tokenizer(("[", "]") if marks else (), words)
    model = _model(tokenizer, words)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(marks: tuple[str, ...], vocabulary_of: Mapping[str, Sequence[str]]) -> Any:
    from transformers import AddedToken, NllbTokenizer

    words = [word for language in CODES for word in vocabulary_of[language]] + [
        w for w in SHARED if w.isalnum()
    ]
    vocabulary = {token: i for i, token in enumerate(("<s>", "<pad>", "</s>", "<unk>"))}
    merges: dict[tuple[str, str], None] = {}
    for letter in sorted({"▁", *"".join(words)}):
        vocabulary.setdefault(letter, len(vocabulary))
    for word in words:
        made = "▁"
        for letter in word:
            merges[made, letter] = None
            made += letter
            vocabulary.setdefault(made, len(vocabulary))
    tokenizer = NllbTokenizer(
        vocab=vocabulary,
        merges=list(merges),
        src_lang="eng_Latn",
        extra_special_tokens=list(CODES.values()),
    )
    tokenizer.add_tokens(
        [
            AddedToken(one, normalized=False)
            for one in (*(w for w in SHARED if not w.isalnum()), *marks)
        ]
    )
    return tokenizer


def _model(tokenizer: Any, words: Mapping[str, Sequence[str]]) -> Any:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=_WIDTH,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=1,
        decoder_attention_heads=1,
        encoder_ffn_dim=8,
        decoder_ffn_dim=8,
        max_position_embeddings=_POSITIONS,
        scale_embedding=False,
        dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
    )
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(config).eval()
    with torch.no_grad():
        _set_weights(model, tokenizer, words)
    return model


def _set_weights(model: Any, tokenizer: Any, words: Mapping[str, Sequence[str]]) -> None:
    """Everything to zero but embeddings and attentions."""
    import torch

    where, free = _directions(model.model.encoder.embed_positions.weights[2 : _POSITIONS + 2])
    languages = {code: free[i] for i, code in enumerate(CODES.values())}
    for weight in (
        *model.model.encoder.layers.parameters(),
        *model.model.decoder.layers.parameters(),
    ):
        weight.zero_()
    for norm in model.modules():
        if isinstance(norm, torch.nn.LayerNorm):
            norm.weight.fill_(1.0)
    _embed(model.model.shared.weight, tokenizer, languages, free[len(languages) :], words)
    place = where.T @ where
    spoken = torch.stack([torch.outer(one, one) for one in languages.values()]).sum(dim=0)
    whole = torch.eye(_WIDTH)
    first = model.model.encoder.embed_positions.weights[3]
    own, cross = model.model.decoder.layers[0].self_attn, model.model.decoder.layers[0].encoder_attn
    own.q_proj.bias.copy_(8 * place @ torch.nn.functional.layer_norm(first, (_WIDTH,)))
    own.k_proj.weight.copy_(place)
    own.v_proj.weight.copy_(spoken)
    own.out_proj.weight.copy_(16 * whole)
    cross.q_proj.weight.copy_(8 * place)
    cross.k_proj.weight.copy_(place)
    cross.v_proj.weight.copy_(whole - place - spoken)
    cross.out_proj.weight.copy_(30 * whole)


def _directions(positions: Any) -> tuple[Any, Any]:
    """Orthonormal directions that positions use, and those that are left (a layer norm takes the
    mean away).
    """
    import torch

    centred = positions - positions.mean(dim=1, keepdim=True)
    used = torch.linalg.svd(centred, full_matrices=False)[2][
        : torch.linalg.matrix_rank(centred, rtol=1e-4)
    ]
    taken = torch.cat([used, torch.full((1, _WIDTH), _WIDTH**-0.5)])
    return used, torch.linalg.svd(taken, full_matrices=True)[2][len(taken) :]


def _embed(
    embedding: Any,
    tokenizer: Any,
    languages: Mapping[str, Any],
    free: Any,
    words: Mapping[str, Sequence[str]],
) -> None:
    """Concept plus language of each token; a direction of `free` for each concept."""
    concepts: dict[str, int] = {}
    for token, i in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        word = token.removeprefix("▁")
        known = [
            (str(own.index(word)), CODES[language])
            for language, own in words.items()
            if word in own and word != token
        ]
        concept, spoken = known[0] if known else (token, token)
        embedding[i] = free[concepts.setdefault(concept, len(concepts))]
        if spoken in languages:
            embedding[i] += languages[spoken] * 0.5
    assert len(concepts) <= len(free)
