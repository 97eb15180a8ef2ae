"""A tiny model and tiny data in a folder, so that real sweeps run in seconds: nothing is mocked but
the size.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WORDS = [f"w{i}" for i in range(60)]


def make_model(mirror: Path, dropout: float = 0.1) -> None:
    """`local/tiny` in a mirror: XLM-R, one layer, 32 wide, a word-level tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel, set_seed

    vocabulary = {
        word: i for i, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *WORDS])
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=False
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=64,
    )
    set_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
    )
    folder = mirror / "models/local/tiny"
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    fast.save_pretrained(folder)


def make_rows(folder: Path) -> None:
    """Tasks `topic` and `first`, of one rule (which half of the words a sentence is of), in two
    languages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, split, count) in enumerate(
        [
            (n, s, c)
            for n in ("topic", "first")
            for s, c in (("train", 200), ("dev", 40), ("test", 60))
        ]
    ):
        for offset, language in enumerate(("en", "sw")):
            draw = np.random.RandomState(100 * seed + offset)
            rows = []
            for _ in range(count):
                half = int(draw.randint(2))
                words = [
                    WORDS[int(draw.randint(30)) + 30 * half] for _ in range(int(draw.randint(3, 9)))
                ]
                rows.append({"text": " ".join(words), "label": ("low", "high")[half]})
            (folder / f"{name}.{language}.{split}.jsonl").write_text(
                "".join(json.dumps(row) + "\n" for row in rows)
            )


def task(name: str) -> dict[str, Any]:
    """A user's own task over the files of `make_rows`."""
    return {
        "format": "classification",
        "source": {"files": [f"rows/{name}.{{language}}.{{split}}.jsonl"]},
        "languages": ["en", "sw"],
        "labels": ["low", "high"],
        "metric": "accuracy",
        "splits": {"train": "train", "dev": "dev", "test": "test"},
    }


def make_sweep(folder: Path, name: str = "tiny", dropout: float = 0.1, **changes: Any) -> Path:
    """A sweep file with its model and rows beside it; returns the file."""
    from ruamel.yaml import YAML

    if not (folder / "mirror").exists():
        make_model(folder / "mirror", dropout)
        make_rows(folder / "rows")
    sweep = {
        "name": name,
        "models": ["local/tiny"],
        "intermediates": ["none", "first"],
        "targets": ["topic"],
        "seeds": [1, 2],
        "tasks": {"topic": task("topic"), "first": task("first")},
        "intermediate": {"lr": 0.001, "steps": 12, "batch_size": 8, "max_length_tokens": 16},
        "target": {
            "lr": {"log": [0.0001, 0.01]},
            "steps": 12,
            "batch_size": 8,
            "max_length_tokens": 16,
        },
        "search": {"trials": 2},
        "resources": {"slots": 2},
        "store": str(folder / "store"),
        "mirror": str(folder / "mirror"),
        "tracking": "off",
    }
    file = folder / f"{name}.yaml"
    with file.open("w") as stream:
        YAML().dump({**sweep, **changes}, stream)
    return file
