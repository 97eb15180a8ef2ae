"""Which file is which split: as the README states it, or by the names."""

from __future__ import annotations

from pathlib import Path

import pytest

from xstilts.data.reading.layout import Layout, layout

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
