"""Tasks over files and mirrors that a test writes itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xstilts.sources.context import DataContext
from xstilts.spec.task import Limits, Source, Splits, Task

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""


def environment() -> dict[str, str]:
    """Environment of a subprocess that imports xstilts and these tests."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def tokenizer() -> Any:
    """A tokenizer of whole words, `w00` to `w59`, in XLM-R's frame."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
    words = [*special.values(), *(f"w{number:02d}" for number in range(60))]
    backend = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    )
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    roles = {**special, "cls": "<s>", "sep": "</s>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, **{f"{role}_token": word for role, word in roles.items()}
    )


def context(folder: Path, mirror: Path | None = None) -> DataContext:
    """A context whose files and cache are in `folder`."""
    return DataContext(
        base=str(folder), cache=str(folder / "cache"), mirror=str(mirror) if mirror else None
    )


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    return path


def write_mirror(
    folder: Path,
    name: str,
    tables: Mapping[tuple[str, str], Mapping[str, Any]],
    features: Any = None,
) -> Path:
    """A mirror with one dataset: `(configuration, split)` to columns; the README says which file is
    which.
    """
    import datasets

    place = folder / "datasets" / name
    configs: dict[str, list[dict[str, str]]] = {}
    for (config, split), columns in tables.items():
        (place / config).mkdir(parents=True, exist_ok=True)
        path = f"{config}/{split}-00000-of-00001.parquet"
        datasets.Dataset.from_dict(dict(columns), features=features).to_parquet(str(place / path))
        configs.setdefault(config, []).append({"split": split, "path": f"{config}/{split}-*"})
    stated = [{"config_name": config, "data_files": files} for config, files in configs.items()]
    (place / "README.md").write_text(f"---\nconfigs: {json.dumps(stated)}\n---\n# {name}\n")
    return folder


def reviews(rows: int, start: int = 0) -> list[dict[str, Any]]:
    """Rows of `review_task`."""
    return [
        {"body": f"w{i % 60:02d} w{(i * 7) % 60:02d}", "verdict": ("bad", "good")[i % 2]}
        for i in range(start, start + rows)
    ]


def review_task(**changes: Any) -> Task:
    """Classification of a user's own files, `reviews/{split}.jsonl`."""
    fields: dict[str, Any] = {
        "name": "reviews",
        "format": "classification",
        "source": Source(files=("reviews/{split}.jsonl",)),
        "columns": {"text": "body", "label": "verdict"},
        "labels": ("bad", "good"),
        "splits": Splits(train="train", dev="dev", test="test"),
        "metric": "accuracy",
    }
    return Task(**{**fields, **changes})


def review_world(folder: Path) -> Task:
    """`review_task` with its files in `folder`: 40, 10 and 10 rows."""
    for split, rows, start in (("train", 40, 0), ("dev", 10, 100), ("test", 10, 200)):
        write_jsonl(folder / "reviews" / f"{split}.jsonl", reviews(rows, start))
    return review_task()


def limited(task: Task, rows: int) -> Task:
    """The task with at most `rows` rows of every split and language."""
    return task.model_copy(update={"limits": Limits(train=rows, dev=rows, test=rows)})
