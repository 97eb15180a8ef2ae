"""Which file is which split: as the README states it, or by the names."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.data.reading.layout import Layout, layout
from xstilts.errors import DataError

NAMES = (
    "a/train-0.parquet",
    "a/train-1.parquet",
    "a/deep/train-2.parquet",
    "a/test-0.parquet",
    "b/t.jsonl",
    "x.py",
)


def stated(tmp_path: Path, configs: str, names: tuple[str, ...] = NAMES) -> Layout:
    """The layout of `names` under a README with these `configs`."""
    readme = tmp_path / "README.md"
    readme.write_text(f"---\nlicense: mit\nconfigs:\n{configs}\n---\n# Words\n")
    return layout(names, readme)


@pytest.mark.parametrize(
    ("data_files", "expected"),
    [
        ("a/train-*", {"train": ("a/train-0.parquet", "a/train-1.parquet")}),
        ("[a/train-1.parquet, b/t.jsonl]", {"train": ("a/train-1.parquet", "b/t.jsonl")}),
        ("[{split: test, path: a/test-*}]", {"test": ("a/test-0.parquet",)}),
        (
            "[{split: train, path: [a/train-0.parquet, b/*]}]",
            {"train": ("a/train-0.parquet", "b/t.jsonl")},
        ),
        ("{validation: b/*}", {"validation": ("b/t.jsonl",)}),
        ("a/**/train-2.parquet", {"train": ("a/deep/train-2.parquet",)}),
        ("a/train-?.parquet", {"train": ("a/train-0.parquet", "a/train-1.parquet")}),
        ("[{split: train, path: b/*}, {split: test, path: gone/*}]", {"train": ("b/t.jsonl",)}),
        ('"**"', {"train": tuple(sorted(NAMES[:-1]))}),
    ],
)
def test_stated_files_are_matched(
    tmp_path: Path, data_files: str, expected: dict[str, tuple[str, ...]]
) -> None:
    found = stated(tmp_path, f"- config_name: c\n  data_files: {data_files}")
    assert found.configs == {"c": expected}
    assert found.default == "c"


ODD = ("a[1]/train.csv", "a1/train.csv", "t?.csv", "tx.csv", "t-0.csv", "t-1.CSV")


@pytest.mark.parametrize(
    ("config", "files"),
    [
        ("data_files: 'a[1]/train.csv'", ["a[1]/train.csv"]),  # it is the name of a file
        ("data_files: 't?.csv'", ["t?.csv"]),
        ("data_files: 'a[12]/train.csv'", ["a1/train.csv"]),
        ("data_files: 't-[0-9].*'", ["t-0.csv", "t-1.CSV"]),
        ("data_files: 't-[!0].*'", ["t-1.CSV"]),
        ("data_files: 't-[.csv'", []),
        ("{data_dir: 'a[1]', data_files: '*.csv'}", ["a[1]/train.csv"]),
    ],
)
def test_name_that_looks_like_a_pattern_is_the_name_of_its_file(
    tmp_path: Path, config: str, files: list[str]
) -> None:
    found = stated(tmp_path, f"- {config}", ODD)
    assert found.configs == {"default": {"train": tuple(files)} if files else {}}


@pytest.mark.parametrize("files", ["3", "[{split: train}]", "[[x]]", "{train: {a: b}}", "[3]"])
def test_files_that_are_no_paths_are_told(tmp_path: Path, files: str) -> None:
    with pytest.raises(
        DataError, match=r"README\.md: `data_files` of configuration c must be paths"
    ):
        stated(tmp_path, f"- config_name: c\n  data_files: {files}")


def test_data_dir_goes_before_the_patterns(tmp_path: Path) -> None:
    found = stated(tmp_path, "- config_name: c\n  data_dir: a\n  data_files: test-*")
    assert found.configs["c"] == {"train": ("a/test-0.parquet",)}


def test_marked_configuration_is_the_default(tmp_path: Path) -> None:
    configs = (
        "- {config_name: one, data_files: a/*}\n- {config_name: two, default: true, "
        "data_files: b/*}"
    )
    assert stated(tmp_path, configs).default == "two"


def test_several_configurations_without_a_mark_have_no_default(tmp_path: Path) -> None:
    configs = "- {config_name: one, data_files: a/*}\n- {config_name: two, data_files: b/*}"
    assert stated(tmp_path, configs).default is None


@pytest.mark.parametrize(
    ("names", "configs"),
    [
        (
            ("copa/train/0000.parquet", "copa/validation/0000.parquet"),
            {
                "copa": {
                    "train": ("copa/train/0000.parquet",),
                    "validation": ("copa/validation/0000.parquet",),
                }
            },
        ),
        (
            (
                "data/train-00000-of-00002.parquet",
                "data/train-00001-of-00002.parquet",
                "data/dev-0.parquet",
            ),
            {
                "default": {
                    "validation": ("data/dev-0.parquet",),
                    "train": (
                        "data/train-00000-of-00002.parquet",
                        "data/train-00001-of-00002.parquet",
                    ),
                }
            },
        ),
        (
            ("train.jsonl", "test.csv"),
            {"default": {"test": ("test.csv",), "train": ("train.jsonl",)}},
        ),
        (("en/partial-train/0000.parquet",), {"en": {"train": ("en/partial-train/0000.parquet",)}}),
        (
            ("corpus.jsonl", "dataset_infos.json", "load.py"),
            {"default": {"train": ("corpus.jsonl",)}},
        ),
    ],
)
def test_files_without_a_statement_are_known_by_their_names(
    names: tuple[str, ...], configs: dict[str, dict[str, tuple[str, ...]]]
) -> None:
    assert layout(names, None).configs == configs


def test_card_that_is_no_yaml_is_passed_over(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("---\nconfigs: [\n---\n")
    assert layout(("train.jsonl",), readme).configs == {"default": {"train": ("train.jsonl",)}}


def test_changed_card_is_read_again(tmp_path: Path) -> None:
    assert set(stated(tmp_path, "- {config_name: one, data_files: a/*}").configs) == {"one"}
    assert set(stated(tmp_path, "- {config_name: three, data_files: a/*}").configs) == {"three"}
