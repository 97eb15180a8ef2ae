"""Filling a mirror: what is asked of the hub, what comes, what a user is told where it can't be
had.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import worlds
from tests.support.hostile import LEADING_OUT, listing
from xstilts.data import task_data
from xstilts.data.fetch import fetch, wanted
from xstilts.data.reading import sources
from xstilts.errors import DataError, StoreError
from xstilts.sources import hub
from xstilts.sources.base_models import model_revision, resolve_model
from xstilts.spec.sweep import Model, Pretraining, Sweep
from xstilts.spec.task import Source, Splits, Task


class FolderHub:
    """A hub whose repositories are folders: `<root>/<kind>/<name>/<revision with _ for />`."""

    def __init__(self, root: Path) -> None:
        self.root, self.downloaded = root, list[str]()

    def _folder(self, kind: str, repository: str, revision: str) -> Path:
        folder = self.root / kind / repository / revision.replace("/", "_")
        if not folder.is_dir():
            raise DataError(f"hub {kind} {repository}: no such {kind}")
        return folder

    def commit(self, kind: hub.Kind, repository: str, revision: str) -> str:
        """A name for what is there."""
        return f"commit of {self._folder(kind, repository, revision).name}"

    def names(self, kind: hub.Kind, repository: str, revision: str) -> tuple[str, ...]:
        """Files of the folder."""
        return tuple(sources.names_in(self._folder(kind, repository, revision)))

    def download(
        self,
        kind: hub.Kind,
        repository: str,
        revision: str,
        names: Sequence[str],
        folder: Path | None,
    ) -> Path:
        """Copies."""
        source = self._folder(kind, repository, revision)
        for name in names if folder else ():
            self.downloaded.append(name)
            target = Path(str(folder), name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)
        return folder or source

    def put(self, kind: str, repository: str, revision: str = "main", **files: bytes) -> None:
        """A repository with files."""
        for name, content in files.items():
            path = self.root / kind / repository / revision.replace("/", "_") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def parquet(rows: int) -> bytes:
    """A Parquet file of classification rows."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(
        pa.table(
            {"text": [f"w{i:02d}" for i in range(rows)], "label": [i % 2 for i in range(rows)]}
        ),
        sink,
    )
    return sink.getvalue()


@pytest.fixture
def served(tmp_path: Path) -> FolderHub:
    """Two datasets, one of them a loading script with the hub's Parquet copy, and a model."""
    found = FolderHub(tmp_path / "hub")
    card = b"---\nlicense: mit\nconfigs:\n"
    files: dict[str, bytes] = {}
    for language in ("de", "en", "sw"):
        card += f"- config_name: x.{language}\n  data_files:\n".encode()
        for split in ("train", "test"):
            card += f"  - split: {split}\n    path: x.{language}/{split}-*\n".encode()
            files[f"x.{language}/{split}-00000-of-00001.parquet"] = parquet(4)
    found.put("dataset", "org/cards", **{"README.md": card + b"---\n# Cards\n", **files})
    found.put("dataset", "org/script", **{"script.py": b"import os", "README.md": b"# Script\n"})
    found.put(
        "dataset",
        "org/script",
        hub.CONVERTED,
        **{
            f"{config}/{split}/0000.parquet": parquet(6)
            for config in ("one", "two")
            for split in ("train", "validation")
        },
    )
    found.put(
        "model",
        "org/m",
        **{
            "config.json": b"{}",
            "model.safetensors": b"w",
            "pytorch_model.bin": b"pickle",
            "tokenizer.json": b"{}",
            "modeling_m.py": b"import os",
            "onnx/model.onnx": b"x",
            "sentencepiece.bpe.model": b"s",
        },
    )
    return found


def task(name: str, source: Source, **changes: Any) -> Task:
    """A classification task."""
    fields: dict[str, Any] = {
        "format": "classification",
        "labels": ("a", "b"),
        "metric": "accuracy",
        "splits": Splits(train="train", dev="train"),
    }
    return Task(name=name, source=source, **{**fields, **changes})


CARDS = task(
    "cards",
    Source(hub="org/cards", config="x.{language}"),
    languages=("de", "en"),
    splits=Splits(train="train[:2]", dev="train[2:]", test="test"),
)
SCRIPT = task(
    "script", Source(hub="org/script", config="one"), splits=Splits(train="train", dev="validation")
)


def sweep(*tasks: Task, models: Sequence[Model | Pretraining] = (Model(id="org/m"),)) -> Sweep:
    """A sweep over these tasks."""
    return Sweep(
        name="s",
        models=tuple(models),
        intermediates=("none",),
        targets=(tasks[0].name,),
        tasks=tasks,
    )


def test_wanted_names_each_repository_once() -> None:
    local = task("files", Source(files=("a.jsonl",)))
    scratch = Pretraining(
        name="p", task="files", config={"model_type": "bert"}, tokenizer="generator"
    )
    found = wanted(
        sweep(
            CARDS,
            CARDS.model_copy(update={"name": "again"}),
            local,
            models=(Model(id="org/m"), scratch),
        )
    )
    assert [(one.kind, one.name) for one in found] == [("dataset", "org/cards"), ("model", "org/m")]


def test_fetched_mirror_serves_the_sweep(served: FolderHub, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    folders = fetch(sweep(CARDS, SCRIPT), mirror, hub=served)
    assert folders == [
        str(mirror / f"{kind}s" / name)
        for kind, name in (("dataset", "org/cards"), ("dataset", "org/script"), ("model", "org/m"))
    ]
    context = worlds.context(tmp_path, mirror)
    for one in (CARDS, SCRIPT):
        assert task_data.check(one, "train", context) == []
    assert task_data.check(CARDS, "evaluate", context) == []
    assert task_data.sizes(SCRIPT, "train", None, context) == 6
    assert model_revision("org/m", context)


def test_fetch_brings_named_configurations_and_splits_alone(
    served: FolderHub, tmp_path: Path
) -> None:
    fetch(sweep(CARDS, SCRIPT), tmp_path / "mirror", hub=served)
    assert sorted(served.downloaded) == sorted(
        [
            f"x.{lang}/{split}-00000-of-00001.parquet"
            for lang, split in (("en", "train"), ("de", "test"), ("en", "test"))
        ]
        + ["one/train/0000.parquet", "one/validation/0000.parquet"]
        + ["config.json", "model.safetensors", "tokenizer.json", "sentencepiece.bpe.model"]
    )


def test_fetched_folder_opens_with_load_dataset(served: FolderHub, tmp_path: Path) -> None:
    import datasets

    fetch(sweep(CARDS, SCRIPT), tmp_path / "mirror", hub=served)
    for name, config, split, rows in (
        ("cards", "x.de", "test", 4),
        ("script", "one", "validation", 6),
    ):
        folder = tmp_path / "mirror" / "datasets" / "org" / name
        opened = datasets.load_dataset(
            str(folder), config, split=split, cache_dir=str(tmp_path / "hf")
        )
        assert len(opened) == rows
    assert (
        (tmp_path / "mirror" / "datasets" / "org" / "cards" / "README.md")
        .read_text()
        .endswith("# Cards\n")
    )


def test_fetching_more_into_a_mirror_keeps_what_it_has(served: FolderHub, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    fetch(sweep(CARDS), mirror, hub=served)
    fetch(sweep(CARDS.model_copy(update={"languages": ("sw",)})), mirror, hub=served)
    every = CARDS.model_copy(update={"languages": ("de", "en", "sw")})
    assert task_data.check(every, "evaluate", worlds.context(tmp_path, mirror)) == []


def test_tokenizer_alone_brings_no_weights(served: FolderHub, tmp_path: Path) -> None:
    scratch = Pretraining(name="p", task="cards", config={"model_type": "bert"}, tokenizer="org/m")
    fetch(sweep(CARDS, models=(scratch,)), tmp_path / "mirror", hub=served)
    assert not (tmp_path / "mirror" / "models" / "org" / "m" / "model.safetensors").exists()
    assert (tmp_path / "mirror" / "models" / "org" / "m" / "tokenizer.json").exists()


def test_all_that_is_missing_is_told_and_the_rest_is_fetched(
    served: FolderHub, tmp_path: Path
) -> None:
    served.put("model", "org/pickles", **{"config.json": b"{}", "pytorch_model.bin": b"p"})
    wrong = CARDS.model_copy(
        update={"languages": ("de", "fr"), "splits": Splits(train="tarin", test="test")}
    )
    gone = task("gone", Source(hub="org/gone"))
    own = task("own", Source(hub="local/own"))
    models = (Model(id="org/pickles"), Model(id="org/m"))
    with pytest.raises(DataError) as error:
        fetch(sweep(wrong, gone, own, models=models), tmp_path / "mirror", hub=served)
    text = str(error.value)
    assert "has no split `tarin`; it has train, test" in text
    assert "has no configuration `x.fr`" in text
    assert "org/gone: no such dataset" in text
    assert "local/own: not in the mirror" in text
    assert "org/pickles: has no safetensors weights" in text
    assert (tmp_path / "mirror" / "models" / "org" / "m" / "model.safetensors").exists()
    assert list((tmp_path / "mirror" / "datasets" / "org" / "cards" / "x.de").iterdir())


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be reached .* connect to the network"):
        fetch(
            sweep(CARDS.model_copy(update={"source": Source(hub="nobody/none-such")})),
            tmp_path / "mirror",
        )


def test_mirror_that_is_no_folder_is_a_store_error(served: FolderHub, tmp_path: Path) -> None:
    (tmp_path / "mirror").write_text("a file")
    with pytest.raises(StoreError):
        fetch(sweep(CARDS), tmp_path / "mirror", hub=served)


def test_rows_from_the_hub_are_those_of_the_mirror(
    served: FolderHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(sweep(CARDS, SCRIPT), tmp_path / "mirror", hub=served)
    monkeypatch.setattr(hub, "HUB", served)
    online, mirrored = worlds.context(tmp_path), worlds.context(tmp_path, tmp_path / "mirror")
    for one in (CARDS, SCRIPT):
        assert task_data.revision(one, "train", online) == task_data.revision(
            one, "train", mirrored
        )
        assert (
            task_data.rows(one, "train", None, online)[:]
            == task_data.rows(one, "train", None, mirrored)[:]
        )
    assert model_revision("org/m", online) == "commit of main"
    assert resolve_model("org/m", online) == "org/m"


def test_hubs_own_parquet_copy_can_be_asked_for_by_its_branch(
    served: FolderHub, tmp_path: Path
) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    from xstilts.tasks import TASKS

    sink = io.BytesIO()
    pq.write_table(pa.table({"sentence1": ["eins"], "sentence2": ["one"]}), sink)
    name = "mteb/tatoeba-bitext-mining"
    served.put("dataset", name, **{"deu-eng.jsonl.gz": b"x", "README.md": b"# Tatoeba\n"})
    served.put(
        "dataset",
        name,
        hub.CONVERTED,
        **{
            f"{config}/test/0000.parquet": sink.getvalue()
            for config in ("deu-eng", "fra-eng", "cmn-eng")
        },
    )
    tatoeba = TASKS["tatoeba_r"].model_copy(update={"languages": ("de", "zh")})
    mirror = tmp_path / "mirror"
    fetch(sweep(tatoeba), mirror, hub=served)
    context = worlds.context(tmp_path, mirror)
    assert task_data.check(tatoeba, "evaluate", context) == []
    assert task_data.rows(tatoeba, "test", "zh", context)[:] == {
        "source_sentence": ["eins"],
        "target_sentence": ["one"],
    }
    assert not (mirror / "datasets" / name / "fra-eng").exists()


def test_one_repository_at_two_revisions_is_told(served: FolderHub, tmp_path: Path) -> None:
    pinned = SCRIPT.model_copy(
        update={
            "name": "pinned",
            "source": SCRIPT.source.model_copy(update={"revision": hub.CONVERTED}),
        }
    )
    with pytest.raises(
        DataError,
        match="org/script: tasks name the revisions main and refs/convert/parquet, but a mirr",
    ):
        fetch(sweep(SCRIPT, pinned), tmp_path / "mirror", hub=served)


@pytest.mark.hub
def test_real_hub_fills_a_mirror(tmp_path: Path) -> None:
    copa = task(
        "copa",
        Source(hub="aps/super_glue", config="copa"),
        labels=("choice1", "choice2"),
        columns={"text": "premise"},
    )
    scratch = Pretraining(
        name="p", task="copa", config={"model_type": "bert"}, tokenizer="generator"
    )
    fetch(sweep(copa, models=(scratch,)), tmp_path)
    assert task_data.sizes(copa, "train", None, worlds.context(tmp_path, tmp_path)) == 400


class HostileHub(FolderHub):
    """A hub that lists a file that would lie elsewhere."""

    extra = "data/../../../../x/train.parquet"

    def names(self, kind: hub.Kind, repository: str, revision: str) -> tuple[str, ...]:
        """The listing, and one file more."""
        listed = super().names(kind, repository, revision)
        return (*listed, self.extra) if kind == "dataset" else listed


@pytest.mark.parametrize("name", LEADING_OUT)
def test_fetch_of_a_repository_that_leads_out_of_the_mirror_writes_nothing(
    served: FolderHub, tmp_path: Path, name: str
) -> None:
    before = listing(tmp_path)
    made = sweep(task("t", Source(hub=f"org/{name}")), models=[Model(id=f"{name or '/'}/m")])
    with pytest.raises(DataError):
        fetch(made, tmp_path / "mirror", hub=served)
    assert listing(tmp_path) == before


def test_fetch_of_files_that_lead_out_of_the_mirror_writes_nothing(
    served: FolderHub, tmp_path: Path
) -> None:
    hostile = HostileHub(served.root)
    plain = task("cards", Source(hub="org/cards", config="x.en"), splits=Splits(train="train"))
    card = served.root / "dataset/org/cards/main/README.md"
    card.write_text(
        "---\nconfigs:\n- config_name: x.en\n  data_files:\n"
        f"  - split: train\n    path: {HostileHub.extra}\n---\n"
    )
    before = listing(tmp_path)
    with pytest.raises(DataError, match=r"names no place in .*: a part of it is `\.\.`"):
        fetch(sweep(plain), tmp_path / "mirror", hub=hostile)
    after = {name for name in listing(tmp_path) if not name.startswith("mirror/models")}
    assert after - {"mirror"} == {*before}


def test_fetch_never_writes_through_a_link(served: FolderHub, tmp_path: Path) -> None:
    (mine := tmp_path / "mine").mkdir()
    (mine / "config.json").write_text("private")
    (own := tmp_path / "mirror/models/org/m").mkdir(parents=True)
    (own / "config.json").symlink_to(mine / "config.json")
    with pytest.raises(DataError, match="a link leads out"):
        fetch(sweep(CARDS), tmp_path / "mirror", hub=served)
    (own / "config.json").unlink()
    own.rmdir()
    own.symlink_to(mine)
    with pytest.raises(DataError, match="a link leads out"):
        fetch(sweep(CARDS), tmp_path / "mirror", hub=served)
    assert [(path.name, path.read_text()) for path in mine.iterdir()] == [
        ("config.json", "private")
    ]
