"""What goes with a job: the files that a sweep names, where they lie, how large they may be."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.tiny import make_rows, task
from xstilts.clusters import package as packages
from xstilts.clusters.package import Package, code, package, uri, zipped
from xstilts.errors import DataError, InputError
from xstilts.spec.sweep import Sweep


def sweep_at(folder: Path, **changes: Any) -> Path:
    """A sweep file in a folder, with tasks of the user's own."""
    from ruamel.yaml import YAML

    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "name": "demo",
        "models": ["org/model"],
        "intermediates": ["none", "first"],
        "targets": ["topic"],
        "tasks": {"topic": task("topic"), "first": task("first")},
    }
    file = folder / "demo.yaml"
    with file.open("w") as stream:
        YAML().dump({**made, **changes}, stream)
    return file


def packed(file: Path) -> Package:
    sweep = xstilts.load(file)
    return package(sweep, str(file), file.read_bytes(), str(file.parent))


def files_of(name: str) -> set[str]:
    return {
        f"rows/{name}.{language}.{split}.jsonl"
        for language in ("en", "sw")
        for split in ("train", "dev", "test")
    }


def test_package_has_the_sweep_file_and_what_it_names_and_nothing_beside(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows")
    (tmp_path / "rows/secret.txt").write_text("hush")
    (tmp_path / ".gitignore").write_text("rows/\n")
    found = packed(sweep_at(tmp_path))
    assert set(found.files) == {"demo.yaml", *files_of("topic"), *files_of("first")}
    assert found.sweep_file == "demo.yaml" and found.not_sent == ()
    assert set(found.hashes) == set(found.files) - {"demo.yaml"}


def test_package_of_files_above_the_sweep_file_keeps_their_places(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows")
    names = {one: task(one) for one in ("topic", "first")}
    for one in names.values():
        one["source"] = {"files": [f"../{pattern}" for pattern in one["source"]["files"]]}
    found = packed(sweep_at(tmp_path / "sweeps", tasks=names))
    assert found.sweep_file == "sweeps/demo.yaml"
    assert set(found.files) == {"sweeps/demo.yaml", *files_of("topic"), *files_of("first")}


def test_paths_of_the_clusters_own_machines_are_named_and_not_sent(tmp_path: Path) -> None:
    far = task("topic")
    far["source"] = {"files": ["/data/topic.{language}.{split}.jsonl"]}
    make_rows(tmp_path / "rows")
    found = packed(
        sweep_at(
            tmp_path, models=["/models/a", "~/b"], tasks={"topic": far, "first": task("first")}
        )
    )
    assert set(found.files) == {"demo.yaml", *files_of("first")}
    assert found.not_sent == ("/data/topic.{language}.{split}.jsonl", "/models/a", "~/b")


def test_model_folder_beside_the_sweep_goes_with_it_without_what_nobody_opens(
    tmp_path: Path,
) -> None:
    make_rows(tmp_path / "rows")
    (tmp_path / "mine").mkdir()
    for name in ("config.json", "model.safetensors", "pytorch_model.bin", "notes.txt"):
        (tmp_path / "mine" / name).write_text("{}")
    found = packed(sweep_at(tmp_path, models=["mine"]))
    sent = {path for path in found.files if path.startswith("mine/")}
    assert sent == {"mine/config.json", "mine/model.safetensors"}


def test_dictionary_of_a_transform_goes_with_it(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows")
    (tmp_path / "words.de.tsv").write_text("w1\tx1\n")
    first = {
        **task("first"),
        "transform": {"dictionary": {"files": ["words.{language}.tsv"], "languages": ["de"]}},
    }
    found = packed(sweep_at(tmp_path, tasks={"topic": task("topic"), "first": first}))
    assert "words.de.tsv" in found.files


def test_file_that_is_not_there_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows/first.* nothing there; paths are relative to"):
        packed(sweep_at(tmp_path))


def test_files_too_large_for_an_upload_are_refused_with_their_sizes(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows")
    with (tmp_path / "rows/topic.en.train.jsonl").open("ab") as file:
        file.truncate(120 * 2**20)  # a hole: it takes no room
    with pytest.raises(InputError) as error:
        packed(sweep_at(tmp_path))
    said = str(error.value)
    assert "have 120.0 MiB, and at most 100.0 MiB can be sent" in said
    assert "rows/topic.en.train.jsonl (120.0 MiB)" in said and "every node" in said


def test_package_of_equal_files_has_one_name_whatever_their_dates(tmp_path: Path) -> None:
    import os

    make_rows(tmp_path / "rows")
    file = sweep_at(tmp_path)
    before = packed(file).zipped()
    os.utime(tmp_path / "rows/topic.en.train.jsonl", (1, 1))
    assert packed(file).zipped() == before
    assert uri(before) == uri(packed(file).zipped()) and uri(before) != uri(before + b"x")
    with zipfile.ZipFile(io.BytesIO(before)) as archive:
        rows = archive.read("rows/topic.en.train.jsonl")
    assert rows == (tmp_path / "rows/topic.en.train.jsonl").read_bytes()


def test_sweep_without_a_file_gets_one_of_its_name(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows")
    sweep = xstilts.load(sweep_at(tmp_path))
    found = package(sweep, None, sweep.model_dump_json().encode(), str(tmp_path))
    assert found.sweep_file == "demo.json"
    assert Sweep.model_validate_json(found.files["demo.json"]) == sweep  # type: ignore[arg-type]


# -- the code


def test_code_under_work_is_sent_whole_under_the_hash_of_its_files() -> None:
    here = code()
    assert not here.released and here.version.startswith(f"{xstilts.__version__}+")
    assert {"xstilts/version.py", "xstilts/results/templates/report.md.j2"} <= set(here.files)
    assert not any("__pycache__" in name for name in here.files)
    assert code().version == here.version
    assert len(zipped(here.files)) < 5 * 2**20


def test_code_that_was_installed_is_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages/xstilts/clusters"
    folder.mkdir(parents=True)
    information = folder.parents[1] / f"xstilts-{xstilts.__version__}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Name: xstilts\nVersion: {xstilts.__version__}\n")
    monkeypatch.syspath_prepend(str(folder.parents[1]))
    monkeypatch.setattr(packages, "__file__", str(folder / "package.py"))
    assert (code().version, code().released) == (xstilts.__version__, True)
    (information / "direct_url.json").write_text('{"dir_info": {"editable": true}}')
    assert not code().released
