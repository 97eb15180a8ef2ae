"""Tokenised once: what the key sees, who builds, what a failure leaves behind."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.support import worlds
from xstilts.data import encoding, made_again, task_data
from xstilts.errors import DataError, StoreError
from xstilts.formats import classification
from xstilts.formats.encoded import EncodedSplit
from xstilts.spec.format_specs import FormatName
from xstilts.spec.format_specs.classification import ClassificationOptions
from xstilts.spec.hyperparameters import Hyperparameters
from xstilts.spec.task import Limits, Source, Splits, Task

HYPER = Hyperparameters(max_length_tokens=16)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A word-level tokenizer."""
    return worlds.tokenizer()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """First rows of the batches that the format was asked to encode."""
    seen: list[int] = []
    real = classification.encode

    def counting(batch: Any, task: Any, tokenizer: Any, hyper: Any, first_row: int) -> Any:
        seen.append(first_row)
        return real(batch, task, tokenizer, hyper, first_row)

    monkeypatch.setattr(classification, "encode", counting)
    return seen


def encode(
    task: Task, folder: Path, tokenizer: Any, hyper: Hyperparameters = HYPER
) -> EncodedSplit:
    """The training rows, encoded."""
    return task_data.encoded(task, "train", None, tokenizer, hyper, worlds.context(folder))


def files(folder: Path) -> dict[str, int]:
    """All files under the cache and when they were written."""
    return {
        str(p): p.stat().st_mtime_ns
        for p in (folder / "cache").rglob("*")
        if p.is_file() and p.suffix != ".lock"
    }


def test_encoded_split_holds_what_the_format_yields(tmp_path: Path, tokenizer: Any) -> None:
    task = worlds.review_world(tmp_path)
    split = encode(task, tmp_path, tokenizer)
    expected = classification.encode(split.rows[:], task, tokenizer, HYPER, 0)
    assert split.features[:] == expected
    assert split.features[3:5]["input_ids"] == expected["input_ids"][3:5]
    assert type(split.features[3]["input_ids"]) is list
    assert split.lengths.tolist() == expected["length"]
    assert split.n_items.tolist() == expected["n_items"]
    assert split.lengths.dtype == np.int64
    assert len(split) == len(split.features) == len(split.rows) == 40


def test_second_call_encodes_nothing_and_writes_nothing(
    tmp_path: Path, tokenizer: Any, calls: list[int]
) -> None:
    task = worlds.review_world(tmp_path)
    first = encode(task, tmp_path, tokenizer)
    assert calls == [0]
    before = files(tmp_path)
    again = encode(task, tmp_path, worlds.tokenizer())
    assert calls == [0]
    assert files(tmp_path) == before
    assert again.features[:] == first.features[:]


def test_rows_beyond_one_batch_keep_their_numbers(
    tmp_path: Path, tokenizer: Any, calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "ROWS_PER_BATCH", 16)
    split = encode(worlds.review_world(tmp_path), tmp_path, tokenizer)
    assert calls == [0, 16, 32]
    assert split.features["row"][:] == list(range(40))


def changed() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """A name, changes of the task, changes of the hyperparameters."""
    yield "cut", {"splits": Splits(train="train[:20]", dev="dev")}, {}
    yield "limit", {"limits": Limits(train=5)}, {}
    yield "labels", {"labels": ("good", "bad")}, {}
    yield "columns", {"columns": {"text": "body", "text_pair": "body", "label": "verdict"}}, {}
    yield "options", {"options": ClassificationOptions(positive_label="good")}, {}
    yield "length", {}, {"max_length_tokens": 32}
    yield "stride", {}, {"doc_stride_tokens": 8}


@pytest.mark.parametrize(
    ("task_changes", "hyper_changes"), [pytest.param(t, h, id=n) for n, t, h in changed()]
)
def test_change_that_decides_the_content_is_another_folder(
    tmp_path: Path,
    tokenizer: Any,
    calls: list[int],
    task_changes: dict[str, Any],
    hyper_changes: dict[str, Any],
) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    encode(
        task.model_copy(update=task_changes),
        tmp_path,
        tokenizer,
        HYPER.model_copy(update=hyper_changes),
    )
    assert len(calls) == 2


def test_change_that_decides_nothing_is_the_same_folder(
    tmp_path: Path, tokenizer: Any, calls: list[int]
) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    other = task.model_copy(
        update={
            "name": "other",
            "metric": "f1",
            "groups": ("x",),
            "splits": task.splits.model_copy(update={"test": None}),
        }
    )
    encode(
        other,
        tmp_path,
        tokenizer,
        Hyperparameters(max_length_tokens=16, lr=1.0, steps=3, batch_size=7),
    )
    assert len(calls) == 1


def test_edited_file_is_another_folder(tmp_path: Path, tokenizer: Any, calls: list[int]) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    worlds.write_jsonl(tmp_path / "reviews" / "train.jsonl", worlds.reviews(40, 1))
    split = encode(task, tmp_path, tokenizer)
    assert len(calls) == 2
    assert split.rows[0]["text"] == "w01 w07"


def test_tokenizer_digest_sees_the_vocabulary_but_no_padding(tokenizer: Any) -> None:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    first = encoding.tokenizer_digest(worlds.tokenizer())
    padded = worlds.tokenizer()
    padded(["w00", "w00 w01"], padding=True, truncation=True, max_length=8)
    assert encoding.tokenizer_digest(padded) == first
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str().replace("w00", "w77"))
    assert encoding.tokenizer_digest(PreTrainedTokenizerFast(tokenizer_object=backend)) != first


def test_many_at_once_build_one_folder(tmp_path: Path, tokenizer: Any, calls: list[int]) -> None:
    task = worlds.review_world(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        splits = list(pool.map(lambda _: encode(task, tmp_path, tokenizer), range(4)))
    assert calls == [0]
    assert len({str(split.features[:]) for split in splits}) == 1


def test_full_disk_leaves_nothing_half_made_and_says_so(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = worlds.review_world(tmp_path)

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(encoding.np, "save", full)
        with pytest.raises(StoreError, match="the disk is full"):
            encode(task, tmp_path, tokenizer)
    made = [
        p.name for p in (tmp_path / "cache" / "encoded").iterdir() if not p.name.endswith(".lock")
    ]
    assert made == []
    assert len(encode(task, tmp_path, tokenizer)) == 40


FULL = """
import sys
from pathlib import Path
from tests.support import worlds
from xstilts.data import task_data as data
from xstilts.errors import StoreError
from xstilts.spec.hyperparameters import Hyperparameters

task = worlds.review_world(Path(sys.argv[1]))
worlds.write_jsonl(Path(sys.argv[1]) / "reviews" / "train.jsonl", worlds.reviews(60_000))
context = worlds.context(Path(sys.argv[1])).model_copy(update={"cache": sys.argv[2]})
try:
    hyper = Hyperparameters(max_length_tokens=16)
    data.encoded(task, "train", None, worlds.tokenizer(), hyper, context)
except StoreError as error:
    left = [p.name for p in Path(sys.argv[2]).rglob("*.arrow") if p.parent.name.startswith(".")]
    print("told" if "disk is full" in str(error) and not left else f"wrong: {error} {left}")
"""


def test_really_full_disk_is_told_and_cleaned(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=1m tmpfs "{disk}"'
    if subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine lets no test mount a tiny disk")
    script = f'{mount} && exec "{sys.executable}" -c "$0" "{tmp_path}" "{disk}"'
    ran = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, FULL],
        capture_output=True,
        text=True,
        check=False,
        cwd=worlds.ROOT,
        env=worlds.environment(),
    )
    assert ran.stdout.strip() == "told", ran.stderr[-2000:]


def test_unwritable_cache_says_so(tmp_path: Path, tokenizer: Any) -> None:
    task = worlds.review_world(tmp_path)
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(StoreError):
        encode(task, tmp_path, tokenizer)


def test_truncated_file_is_built_anew(tmp_path: Path, tokenizer: Any, calls: list[int]) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    (features,) = (tmp_path / "cache" / "encoded").rglob("features.arrow")
    os.truncate(features, 100)
    assert len(encode(task, tmp_path, tokenizer).features[:]["row"]) == 40
    assert len(calls) == 2


@pytest.mark.parametrize(
    "name",
    [
        "encoded/*/features.arrow",
        "encoded/*/lengths.npy",
        "encoded/*/n_items.npy",
        "rows/*/rows.arrow",
        "encoded/*/facts.json",
        "rows/*/facts.json",
    ],
)
def test_flipped_or_cut_file_is_made_again_and_told(
    tmp_path: Path, tokenizer: Any, name: str
) -> None:
    task = worlds.review_world(tmp_path)
    meant = contents(encode(task, tmp_path, tokenizer))
    (file,) = (tmp_path / "cache").glob(name)
    whole, rng = file.read_bytes(), random.Random(name)
    for number in range(30):
        place = rng.randrange(len(whole))
        flipped = bytes([whole[place] ^ 1 << rng.randrange(8)])
        damaged = whole[:place] + flipped + whole[place + 1 :] if number % 3 else whole[:place]
        file.write_bytes(damaged)
        assert contents(encode(task, tmp_path, tokenizer)) == meant
        told = made_again.told(tmp_path / "cache")
        assert len(told) == 1 or (file.name == "facts.json" and not flipped.strip())
        assert file.name == "facts.json" or file.read_bytes() == whole
        assert all("thrown away and made again" in sentence for sentence in told)


def contents(split: EncodedSplit) -> tuple[Any, ...]:
    """All that is trained on."""
    return split.features[:], split.rows[:], split.lengths.tolist(), split.n_items.tolist()


def test_file_that_is_missing_or_too_many_makes_the_folder_again(
    tmp_path: Path, tokenizer: Any
) -> None:
    task = worlds.review_world(tmp_path)
    meant = contents(encode(task, tmp_path, tokenizer))
    (features,) = (tmp_path / "cache/encoded").rglob("features.arrow")
    features.unlink()
    assert contents(encode(task, tmp_path, tokenizer)) == meant
    assert "instead of features.arrow" in made_again.told(tmp_path / "cache")[0]


def test_files_are_hashed_once_in_a_process(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    for file in (tmp_path / "cache").rglob("*.*"):
        os.utime(file, (1e9, 1e9))  # long ago
    encode(task, tmp_path, tokenizer)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("hashed again"))
    encode(task, tmp_path, tokenizer)


def test_leftover_of_a_killed_build_is_removed(tmp_path: Path, tokenizer: Any) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    (built,) = (p for p in (tmp_path / "cache" / "encoded").iterdir() if p.is_dir())
    left = built.with_name(f".{built.name}.left")
    built.rename(left)
    encode(task, tmp_path, tokenizer)
    assert not left.exists()
    assert built.is_dir()


def own_rows(
    format_name: FormatName, columns: dict[str, Any], folder: Path, tokenizer: Any
) -> EncodedSplit:
    """Rows that no source gave, encoded."""
    task = Task(
        name="own",
        format=format_name,
        source=Source(files=("t.jsonl",)),
        metric="masked_accuracy" if format_name == "masked_lm" else "token_accuracy",
        labels=() if format_name == "masked_lm" else ("A", "B"),
    )
    return encoding.encoded_split(
        encoding.encoding_key("data", task, tokenizer, HYPER),
        task,
        tokenizer,
        HYPER,
        cache=folder / "cache",
        rows=lambda: pa.table(columns),
    )


def test_rows_that_give_no_feature_raise(tmp_path: Path, tokenizer: Any) -> None:
    with pytest.raises(DataError, match="none of its 2 rows"):
        own_rows("masked_lm", {"text": ["", " "]}, tmp_path, tokenizer)


@pytest.mark.parametrize("empty", [[0, 1], [2, 3], [4, 5], [0, 1, 4, 5]])
def test_batch_that_gives_no_feature_is_passed_over(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch, empty: list[int]
) -> None:
    monkeypatch.setattr(encoding, "ROWS_PER_BATCH", 2)
    columns = {
        "tokens": [[] if i in empty else ["w01", "w02"] for i in range(6)],
        "tags": [[] if i in empty else [0, 1] for i in range(6)],
    }
    split = own_rows("tagging", columns, tmp_path, tokenizer)
    assert split.features["row"][:] == [i for i in range(6) if i not in empty]
    assert split.features[0]["labels"] == [0, 1]
    assert len(split.rows) == 6


def test_format_that_fails_names_the_rows(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classification, "encode", lambda *_: {}["x"])
    with pytest.raises(DataError, match="rows 1 to 40 can't be encoded"):
        encode(worlds.review_world(tmp_path), tmp_path, tokenizer)


def test_opening_is_cheap(tmp_path: Path, tokenizer: Any) -> None:
    task = worlds.review_world(tmp_path)
    encode(task, tmp_path, tokenizer)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        encode(task, tmp_path, tokenizer)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
