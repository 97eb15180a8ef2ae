"""What importing costs: `import xstilts` and `xstilts --help` load nothing heavy; verbs are not
hidden by modules.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "ray",
    "mlflow",
    "optuna",
    "transformers",
    "datasets",
    "pandas",
    "pyarrow",
    "scipy",
    "matplotlib",
    "langcodes",
    "language_data",
)


def loaded_after(code: str) -> set[str]:
    """Names of the heavy libraries that a fresh interpreter has loaded after `code`."""
    ask = f"import json, sys\n{code}\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import xstilts",
        "import xstilts; xstilts.load; xstilts.Sweep; xstilts.Task; xstilts.SweepError",
        "import xstilts.sweep_file; xstilts.sweep_file.schema()",
        "import xstilts.planning",
        "from typer.testing import CliRunner\n"
        "from xstilts.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0",
    ],
)
def test_import_of_the_light_part_loads_nothing_heavy(code: str) -> None:
    assert loaded_after(code) == set()


def test_loading_a_sweep_imports_neither_the_plan_nor_its_estimate() -> None:
    later = ("xstilts.planning", "xstilts.checks")
    code = (
        f"import sys, xstilts.sweep_file; print([m for m in sys.modules if m.startswith({later})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_plan_verb_loads_no_training_library() -> None:
    code = (
        "from pathlib import Path; import tempfile; import xstilts\n"
        "folder = Path(tempfile.mkdtemp()); file = folder / 's.yaml'\n"
        "file.write_text('name: x\\nmodels: [a]\\nintermediates: [none]\\ntargets: [xquad]\\n')\n"
        "xstilts.plan(file, store=str(folder / 'store'))"
    )
    assert not loaded_after(code) & {"torch", "ray", "mlflow", "optuna", "transformers"}


@pytest.mark.parametrize("order", ["import xstilts.results.report", "import xstilts"])
def test_verbs_stay_callable_when_modules_of_their_name_are_imported(order: str) -> None:
    code = (
        f"{order}\nimport xstilts\nassert all(callable(getattr(xstilts, v)) for v in "
        "xstilts._VERBS)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_attribute_is_an_attribute_error() -> None:
    import xstilts

    with pytest.raises(AttributeError, match="nothing_such"):
        _ = xstilts.nothing_such
    assert set(xstilts._VERBS) <= set(dir(xstilts))
