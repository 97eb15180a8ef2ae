"""Tests lie where the code lies: `xstilts/<room>/<module>.py` is tested in
`tests/<room>/test_<module>.py`.

The rule is for every module that has a function or a class of its own. A package whose
`__init__.py` has some is tested in a file of the package's name inside its folder
(`tests/formats/test_formats.py`). A module may be tested elsewhere too, and a folder may hold files
of another subject; what is asked for is the file in which one looks first.

`WITHOUT_TESTS` has the modules that need no file, each with its reason. A module that has a file,
or that is gone, may not stay on a list.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

WITHOUT_TESTS = {
    "__init__.py": "hands out names when they are asked for, which test_import.py looks at",
    "spec/format_specs/classification.py": "a value; see format_specs/test_options.py and the "
    "contract suite in tests/formats",
    "spec/format_specs/dual_encoder.py": "as classification",
    "spec/format_specs/masked_lm.py": "as classification",
    "spec/format_specs/mining.py": "as classification",
    "spec/format_specs/retrieval.py": "as classification",
    "spec/format_specs/span_qa.py": "as classification",
    "data/label_tables.py": "see reading/test_labels.py, which reads such tables from files",
    "results/compared.py": "values without behaviour",
    "workers/context.py": "values without behaviour",
}
"""Module to the reason why it has no test file of its own."""


def with_behaviour() -> dict[str, Path]:
    """Module, relative to the package, to where its tests belong; of those with a function or a
    class.
    """
    package = ROOT / "xstilts"
    return {
        path.relative_to(package).as_posix(): _test_file(path.relative_to(package))
        for path in sorted(package.rglob("*.py"))
        if any(isinstance(node, _DEFINES) for node in ast.parse(path.read_text("utf-8")).body)
    }


def _test_file(module: Path) -> Path:
    name = module.parent.name if module.stem == "__init__" else module.stem
    return ROOT / "tests" / module.parent / f"test_{name}.py"


def test_every_module_with_behaviour_has_a_test_file_of_its_name() -> None:
    lacking = [
        f"xstilts/{module} has no {tests.relative_to(ROOT)}"
        for module, tests in with_behaviour().items()
        if not tests.is_file() and module not in WITHOUT_TESTS
    ]
    assert not lacking, "write it, or move there the tests that the module has elsewhere"


def test_lists_of_exceptions_name_only_modules_that_have_no_test_file() -> None:
    known = with_behaviour()
    stale = [module for module in WITHOUT_TESTS if module not in known or known[module].is_file()]
    assert not stale, "take them off the list: they have a test file, or are gone"
