"""How much a model reads, by its files; tried against small models themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data.test_fetch import FolderHub
from tests.support import worlds
from xstilts.sources import hub
from xstilts.sources.model_configs import Room, beyond_embeddings, model_file, room


@pytest.mark.parametrize(
    ("config", "tokens", "hard"),
    [
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512, 1),
        ({"model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": 0}, 129, 1),
        ({"model_type": "camembert", "max_position_embeddings": 514}, 512, 1),
        ({"model_type": "mpnet", "max_position_embeddings": 514, "pad_token_id": 0}, 512, 1),
        ({"model_type": "xlm-roberta"}, 510, 1),
        ({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}, 512, 1),
        ({"model_type": "bert", "max_position_embeddings": 100}, 96, 1),
        ({"model_type": "bert"}, 512, 1),
        ({"model_type": "gpt2", "n_positions": 1024}, 1024, 1),
        ({"model_type": "deberta-v2", "max_position_embeddings": 512}, 512, 1),
        ({"model_type": "modernbert", "max_position_embeddings": 8192}, 8192, 0),
        ({"model_type": "llama", "max_position_embeddings": 2048, "rope_theta": 1e4}, 2048, 0),
        (
            {
                "model_type": "esm",
                "max_position_embeddings": 1026,
                "position_embedding_type": "rotary",
            },
            1026,
            0,
        ),
    ],
)
def test_room_follows_the_kind_of_positions(config: dict[str, Any], tokens: int, hard: int) -> None:
    assert room(config) == Room(tokens=tokens, hard=bool(hard))


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "mt5", "max_position_embeddings": 512},
        {"model_type": "bloom"},
        {
            "model_type": "deberta-v2",
            "max_position_embeddings": 512,
            "position_biased_input": False,
        },
        {"model_type": "something-new"},
        {},
    ],
)
def test_relative_or_unknown_positions_have_no_end(config: dict[str, Any]) -> None:
    assert room(config) is None


def test_padding_of_the_tokenizer_counts_where_the_configuration_has_none() -> None:
    config = {"model_type": "xlm-roberta", "max_position_embeddings": 66}
    assert room(config, padding=3) == Room(tokens=62, hard=True)
    assert room({**config, "pad_token_id": 0}, padding=3) == Room(tokens=65, hard=True)


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert", "mpnet", "electra"])
def test_a_model_reads_what_is_said_and_not_one_more_batch(kind: str) -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    from xstilts.formats.common import attention_mask, pad

    config = AutoConfig.for_model(
        kind,
        vocab_size=20,
        hidden_size=8,
        embedding_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=27,
        pad_token_id=1,
    )
    body = AutoModel.from_config(config).eval()
    found = room(config.to_dict())
    assert found is not None and found.hard

    def read(length: int) -> None:
        rows = [[5] * length]
        with torch.no_grad():
            body(input_ids=pad(rows, 1), attention_mask=attention_mask(rows))

    read(found.tokens)
    with pytest.raises((IndexError, RuntimeError)):
        read(found.tokens + 1)


def test_pieces_and_added_tokens_without_an_embedding_are_counted() -> None:
    vocabulary = {word: i for i, word in enumerate("abcdefgh")}
    added = [{"id": 7, "content": "<mask>"}, {"id": 9, "content": "<new>"}]
    for vocab in (vocabulary, [[word, 0.0] for word in vocabulary]):
        tokenizer = {"model": {"vocab": vocab}, "added_tokens": added}
        assert beyond_embeddings({"vocab_size": 10}, tokenizer) == (0, 0)
        assert beyond_embeddings({"vocab_size": 8}, tokenizer) == (0, 1)
        assert beyond_embeddings({"vocab_size": 5}, tokenizer) == (2, 2)
    assert beyond_embeddings({"vocab_size": 5}, {}) == beyond_embeddings({}, tokenizer) == (0, 0)


def test_files_are_read_from_a_folder_or_the_hub_and_missing_ones_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = worlds.context(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/config.json").write_text(json.dumps({"a": 1}))
    (tmp_path / "mine/broken.json").write_text("{")
    assert model_file("./mine", "config.json", where) == {"a": 1}
    assert model_file("./mine", "broken.json", where) is None
    assert model_file("./mine", "tokenizer.json", where) is None
    assert model_file("./nowhere", "config.json", where) is None
    assert model_file("generator", "config.json", where) is None
    folder_hub = FolderHub(tmp_path / "hub")
    folder_hub.put("model", "org/m", **{"config.json": b'{"b": 2}'})
    monkeypatch.setattr(hub, "HUB", folder_hub)
    assert model_file("org/m", "config.json", where) == {"b": 2}
    assert model_file("org/m", "config.json", where, download=False) is None
    assert model_file("org/m", "tokenizer.json", where) is None
    assert model_file("org/other", "config.json", where) is None
