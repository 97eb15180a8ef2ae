"""What docs/architecture.md says of rooms and libraries, held by the source itself.

Imports go down only, whether they stand at the top, in a function or under TYPE_CHECKING; heavy
libraries come in by few doors; no two modules need each other.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.architecture import circles, imports, sources_of, strays, upward_imports

SOURCES = sources_of(Path(__file__).resolve().parents[1])
ROOMS = (
    "cli",
    "api",
    "clusters",
    "driver",
    "results",
    "tracking",
    "checks",
    "training",
    "evaluation",
    "data",
    "models",
    "formats",
    "sources",
    "store",
    "workers",
    "scoring",
    "planning",
    "sweep_file",
    "tasks",
    "spec",
    "errors",
    "version",
)
"""From the top down."""
DOORS = {
    "ray": (
        "driver.engine",
        "driver.adapters",
        "driver.trial",
        "driver.cluster",
        "driver.ray_settings",
        "driver.rendezvous",
        "driver.placement_groups",
        "clusters.cluster_file",
        "driver.nodes",
        "driver.departures",
        "driver.shared_folder",
        "clusters.address",
        "driver.preparation",
        "driver.slots",
    ),
    "optuna": ("driver.journal", "driver.search"),
    "mlflow": ("tracking",),
    "obstore": ("store.objects",),
    "torch": (
        "training",
        "evaluation",
        "models",
        "formats",
        "workers",
        "data.transforms.translator",
    ),
    "transformers": (
        "training",
        "models",
        "formats",
        "workers",
        "data.encoding",
        "data.task_data",
        "data.transforms.translator",
        "tasks.generator.word_level",
    ),
    "pyarrow": ("results", "checks.audit", "evaluation", "data", "store"),
    "langcodes": ("spec.languages",),
    "pandas": ("results", "api.results", "cli.tables", "checks.audit.fingerprints"),
}
"""Library to the rooms and modules that may import it."""


def changed(module: str, line: str) -> dict[str, str]:
    """The source with one more line in a module."""
    assert module in SOURCES
    return {**SOURCES, module: f"{SOURCES[module]}\n{line}\n"}


# -- the source as it is


def test_imports_go_down_only() -> None:
    assert upward_imports(SOURCES, ROOMS) == []


def test_heavy_libraries_come_in_by_their_doors() -> None:
    assert strays(SOURCES, DOORS) == []


def test_every_module_named_as_a_door_is_one() -> None:
    # a door that nobody uses any more would let the next one in unseen
    named = imports(SOURCES)
    unused = [
        (library, door)
        for library, doors in DOORS.items()
        for door in doors
        if not any(name.startswith(f"xstilts.{door}.") for name in SOURCES)
        if library not in {one.split(".")[0] for one in named[f"xstilts.{door}"]}
    ]
    absent = [
        door for doors in DOORS.values() for door in doors if f"xstilts.{door}" not in SOURCES
    ]
    assert (unused, absent) == ([], [])


def test_no_modules_import_each_other() -> None:
    assert circles(SOURCES) == []


# -- the rules, where they are broken


@pytest.mark.parametrize(
    "line",
    ["import ray", "def f():\n    import ray.util", "if TYPE_CHECKING:\n    from ray import data"],
)
def test_ray_in_the_board_is_found(line: str) -> None:
    (found,) = strays(changed("xstilts.driver.board", line), DOORS)
    assert found.startswith("xstilts.driver.board imports ray: must be one of ('driver.engine'")


def test_ray_in_code_for_another_process_does_not_count() -> None:
    assert strays(changed("xstilts.driver.board", 'CODE = "import ray"'), DOORS) == []


@pytest.mark.parametrize(
    ("module", "line", "said"),
    [
        ("spec.rates", "from xstilts.planning import make_plan", "planning is above spec"),
        ("planning.plan", "def f():\n    from xstilts.store import phases", "store is above"),
        ("store.phases", "import xstilts.training.loop", "training is above store"),
        ("tasks", 'import_module("xstilts.data.hub")', "data is above tasks"),
        ("results.report", "from xstilts import __version__", "xstilts is above results"),
        ("errors", "from xstilts.attic import old", "a room without a place in the order"),
    ],
)
def test_import_upwards_is_found(module: str, line: str, said: str) -> None:
    found = upward_imports(changed(f"xstilts.{module}", line), ROOMS)
    (new,) = found
    assert new.startswith(f"xstilts.{module} imports xstilts") and said in new


def test_circle_is_found_through_lazy_imports_and_other_modules() -> None:
    sources = {
        "xstilts.a": "from xstilts import b",
        "xstilts.b": "def f():\n    from xstilts.c import g",
        "xstilts.c": "if TYPE_CHECKING:\n    import xstilts.a",
        "xstilts.d": "import xstilts.a",
    }
    assert circles(sources) == [("xstilts.a", "xstilts.b", "xstilts.c")]


def test_circle_in_the_source_is_found() -> None:
    line = "from xstilts.data.transforms import training_rows"
    (found,) = circles(changed("xstilts.data.reading.tables", line))
    assert {"xstilts.data.reading.tables", "xstilts.data.transforms.training_rows"} <= set(found)


def test_relative_import_is_refused() -> None:
    with pytest.raises(AssertionError, match="write imports in full"):
        imports({"xstilts.a": "from . import b"})
