"""What the tests of the formats share: two tokenizers, rows of the mirror, and a split encoded in
memory.
"""

from __future__ import annotations

import os
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Source, Task


def mirror() -> Path | None:
    """The mirror's folder, if this machine has one."""
    folder = Path(
        os.environ.get("XSTILTS_MIRROR") or Path(__file__).parents[2] / ".." / "shared" / "mirror"
    )
    return folder.resolve() if folder.is_dir() else None


@pytest.fixture(scope="session")
def spelling_tokenizer() -> Any:
    """`abc` becomes `a ##b ##c`; anything that is no lower-case ASCII letter is `<unk>`; XLM-R's
    special tokens.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    words = [
        *special,
        *string.ascii_lowercase,
        *(f"##{letter}" for letter in string.ascii_lowercase),
    ]
    tokenizer = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    roles = {
        "bos": "<s>",
        "cls": "<s>",
        "eos": "</s>",
        "sep": "</s>",
        "pad": "<pad>",
        "unk": "<unk>",
        "mask": "<mask>",
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **{f"{k}_token": v for k, v in roles.items()}
    )


@pytest.fixture(scope="session")
def xlmr_folder() -> Path:
    """The folder of `local/mini-xlmr`."""
    folder = mirror()
    if folder is None or not (folder / "models" / "local" / "mini-xlmr").is_dir():
        pytest.skip("no mirror with models/local/mini-xlmr: set XSTILTS_MIRROR")
    return folder / "models" / "local" / "mini-xlmr"


@pytest.fixture(scope="session")
def xlmr_tokenizer(xlmr_folder: Path) -> Any:
    """The tokenizer of `local/mini-xlmr`."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(xlmr_folder)


@pytest.fixture(scope="session", params=["spelling", "xlmr"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    """Each of the two."""
    return request.getfixturevalue(f"{request.param}_tokenizer")


@pytest.fixture(scope="session")
def mirror_rows() -> Any:
    """`mirror_rows("google/xtreme", "udpos.English", "train", 100)`: the first rows of a split."""
    folder = mirror()
    if folder is None:
        pytest.skip("no mirror: set XSTILTS_MIRROR")

    def rows(dataset: str, config: str, split: str, count: int) -> list[dict[str, Any]]:
        import pyarrow.parquet as pq

        files = sorted((folder / "datasets" / dataset / config).glob(f"{split}-*.parquet"))
        if not files:
            pytest.skip(f"the mirror has no {dataset} {config} {split}")
        table: list[dict[str, Any]] = pq.read_table(files[0]).slice(0, count).to_pylist()
        return table

    return rows


@pytest.fixture(scope="session")
def make_task() -> Any:
    """`make_task("tagging", labels=(...))`: a task of a format."""

    def make(format_name: str, **fields: Any) -> Task:
        return Task(
            **{
                "name": "t",
                "format": format_name,
                "source": Source(generator="t"),
                "metric": "x",
                **fields,
            }
        )

    return make


@dataclass
class Split:
    """What `decode` reads of an `EncodedSplit`."""

    rows: Any
    features: Any
    language: str | None = None

    def __iter__(self) -> Any:
        return iter(self.features)


@pytest.fixture(scope="session")
def encode_split() -> Any:
    """`encode_split(format, rows, task, tokenizer, max_length)`: encodes in batches of three
    rows.
    """

    def encode(
        module: Any, rows: dict[str, list[Any]], task: Task, tokenizer: Any, max_length: int = 32
    ) -> Split:
        import datasets

        hyper, n = Hyperparameters(max_length_tokens=max_length), len(next(iter(rows.values())))
        features: dict[str, list[Any]] = {}
        for first in range(0, n, 3):
            batch = {name: values[first : first + 3] for name, values in rows.items()}
            for name, values in module.encode(batch, task, tokenizer, hyper, first).items():
                features.setdefault(name, []).extend(values)
        return Split(datasets.Dataset.from_dict(rows), datasets.Dataset.from_dict(features))

    return encode
