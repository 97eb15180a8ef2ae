"""Hostile names through every verb: nothing outside the store is made, read, changed or removed.

The names are put wherever a verb reads one: a `Sweep` made in Python, `sweep.json`, `ledger.jsonl`
and records of a store. What a verb says is left to the tests of its own; here it may answer or
raise an error of ours, and what lies around the store stays as it is.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import xstilts
from tests.support.builders import (
    build_store,
    ledger_rows,
    record_file,
    write_ledger,
    write_record,
)
from tests.support.hostile import LEADING_OUT, NAMES, listing
from xstilts.api import folder_of
from xstilts.errors import InputError, SweepError, XstiltsError
from xstilts.spec.sweep import Chain, Mixture, Model, Sweep
from xstilts.store.phases import Store
from xstilts.store.sealed import read_sealed, write_sealed
from xstilts.store.sweeps import read_sweep


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store in which a sweep was run, and files beside it that are not its."""
    home = tmp_path / "a/b/home"
    build_store(
        home / "store", targets=("pairs",), intermediates=("none", "noise"), seeds=(1,), examples=8
    )
    for place in (tmp_path, tmp_path / "a", tmp_path / "a/b", home):
        for name in ("x", "b.parquet", "x.parquet", "record.json", "x.json"):
            (place / name).write_text("mine")
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def kept(home: Path) -> Path:
    """The folder of the sweep in the store."""
    return home / "store/sweeps/test-sweep-v1"


@pytest.fixture
def sweep(kept: Path) -> Sweep:
    """The sweep as a value."""
    return read_sweep(kept).model_copy(update={"store": "store", "tracking": "off"})


@pytest.fixture(autouse=True)
def nothing_outside(home: Path, tmp_path: Path) -> Iterator[None]:
    """Compares all around the store before and after."""

    def outside() -> dict[str, Any]:
        store = f"{(home / 'store').relative_to(tmp_path)}/"
        found = listing(tmp_path.parent)
        inner = f"{tmp_path.name}/{store}"
        return {name: state for name, state in found.items() if not name.startswith(inner)}

    before, above = outside(), set(Path("/").iterdir())
    yield
    after = outside()
    assert len(before) > 10
    assert after == before
    assert set(Path("/").iterdir()) == above


def verbs(given: Any, out: Path) -> dict[str, Callable[[], Any]]:
    """Every verb that takes a sweep; `out` is a folder inside the store."""
    return {
        "check": lambda: xstilts.check(given),
        "plan": lambda: xstilts.plan(given),
        "why": lambda: xstilts.why(given),
        "run": lambda: xstilts.run(given),
        "status": lambda: xstilts.status(given),
        "scores": lambda: xstilts.scores(given),
        "report": lambda: xstilts.report(given, out / "report"),
        "submission": lambda: xstilts.submission(given, out / "submission"),
        "export": lambda: xstilts.export(given, "noise/pairs", out / "export"),
        "track": lambda: xstilts.track(given),
        "fetch": lambda: xstilts.fetch(given, mirror=str(out / "mirror")),
    }


READING = ("status", "scores", "report", "submission", "export", "track")


def answered(verb: Callable[[], Any]) -> str:
    """What the verb said; empty where it had an answer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verb()
    except XstiltsError as error:
        return str(error)
    return ""


def changed(sweep: Sweep, name: str) -> dict[str, Sweep]:
    """The sweep with a hostile name in each place that `model_copy` lets one into."""
    task = sweep.task("pairs")

    def tasks(**update: Any) -> Sweep:
        own = task.model_copy(update=update)
        return sweep.model_copy(update={"tasks": (own, sweep.task("noise"))})

    mixture = Mixture(mixture=("noise", "pairs")).model_copy(update={"name": name or "../x"})
    chain = Chain(chain=("noise", "noise")).model_copy(update={"name": name or "../x"})
    return {
        "name": sweep.model_copy(update={"name": name}),
        "model name": sweep.model_copy(
            update={"models": (Model(id="a").model_copy(update={"name": name or ".."}),)}
        ),
        "intermediate": sweep.model_copy(update={"intermediates": ("none", name)}),
        "mixture": sweep.model_copy(update={"intermediates": ("none", mixture)}),
        "chain": sweep.model_copy(update={"intermediates": ("none", chain)}),
        "target": sweep.model_copy(update={"targets": (name,)}),
        "task": tasks(name=name),
        "train_task": tasks(train_task=name),
        "language": tasks(languages=("en", name)),
        "train_language": tasks(train_language=name),
        "language_names": tasks(language_names={name: "x"}),
    }


@pytest.mark.parametrize("name", [*NAMES, "=1+1", "$x$"])
def test_sweep_made_in_python_with_a_hostile_name_is_refused_by_every_verb(
    sweep: Sweep, home: Path, name: str
) -> None:
    for where, hostile in changed(sweep, name).items():
        for verb, call in verbs(hostile, home / "store/out").items():
            said = _refused(call)
            assert said, (where, verb)
            assert said.isprintable() or "\n" in said, (where, verb)
            assert len(said) < 2_000, (where, verb)


def _refused(call: Callable[[], Any]) -> str:
    """What SweepError the verb raised; empty where it raised none."""
    try:
        call()
    except SweepError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", LEADING_OUT)
@pytest.mark.parametrize("mirrored", [False, True])
def test_model_and_data_with_hostile_ids_are_looked_for_nowhere_else(
    sweep: Sweep, home: Path, name: str, mirrored: bool
) -> None:
    task = sweep.task("pairs")
    source = task.source.model_copy(update={"hub": f"a/{name}", "revision": name})
    hostile = sweep.model_copy(
        update={
            "models": (Model(id=f"{name}/x", revision=name, name="x"), Model(id=name, name="y")),
            "tasks": (task.model_copy(update={"source": source}), sweep.task("noise")),
            "mirror": str(home / "store/mirror") if mirrored else None,
        }
    )
    (home / "store/mirror/models").mkdir(parents=True)
    found = verbs(hostile, home / "store/out")
    for verb in ("check", "run", "fetch"):
        assert answered(found[verb]), verb
    answered(found["plan"])


def test_sweep_made_in_python_without_a_task_that_it_names_is_told_the_nearest(
    sweep: Sweep,
) -> None:
    with pytest.raises(SweepError, match='"pears" is no task in `tasks`; nearest: pairs'):
        xstilts.plan(sweep.model_copy(update={"targets": ("pears",)}))


def test_two_names_that_differ_in_capitals_are_two_sweeps(sweep: Sweep) -> None:
    folders = {
        folder_of(sweep.model_copy(update={"name": name}))[1].name for name in ("Same", "same")
    }
    assert folders == {"Same-v1", "same-v1"}


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every text in a JSON value: what holds it, and where."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(pairs):
        if isinstance(item, str):
            yield value, key
        elif isinstance(item, dict | list):
            yield from _places(item)


@pytest.mark.parametrize("name", LEADING_OUT)
def test_sweep_kept_in_a_store_with_a_hostile_name_is_answered_or_refused(
    kept: Path, home: Path, name: str
) -> None:
    whole = read_sealed(kept / "sweep.json")
    refused = 0
    for where in ("name", "models", "intermediates", "targets", "tasks"):
        value = json.loads(json.dumps(whole))
        holders = [(value, where)] if where == "name" else list(_places(value[where]))
        for holder, key in holders:
            before, holder[key] = holder[key], name
            write_sealed(kept / "sweep.json", value)
            refused += bool(answered(lambda: xstilts.status(kept)))
            holder[key] = before
        for holder, key in holders:
            holder[key] = name
        write_sealed(kept / "sweep.json", value)
        for verb in READING:
            said = answered(verbs(kept, home / "store/out")[verb])
            assert said or where == "models", "the id of a model may be a path"
    assert refused > 5


@pytest.mark.parametrize("name", ["../../x", "/abs", "..", "", "a\0b", "x" * 300, "$\\frac$"])
def test_ledger_with_hostile_names_is_answered_or_refused(
    kept: Path, home: Path, name: str
) -> None:
    rows = ledger_rows(kept)
    for field in ("phase", "slot", "model", "intermediate", "target", "task", "study", "lineage"):
        hostile = []
        for row in rows:
            changed = dict(row)
            if field == "lineage":
                changed["lineage"] = [
                    {**stage, "phase": name, "task": name} for stage in row.get("lineage", [])
                ]
            elif field in row:
                changed[field] = name
            hostile.append(changed)
        write_ledger(kept, hostile)
        for verb in ("status", "scores", "submission", "export"):
            answered(verbs(kept, home / "store/out")[verb])
    for row in rows:  # what a report can be made of
        for field in ("model", "intermediate", "target", "task"):
            if field in row and row[field] != "none":
                row[field] = name
    write_ledger(kept, rows)
    answered(verbs(kept, home / "store/out")["report"])


@pytest.mark.parametrize("name", [*LEADING_OUT, "x" * 300, "$\\frac$", "<b>&", "=1+1"])
def test_record_with_a_hostile_language_is_answered_or_refused(
    kept: Path, home: Path, name: str
) -> None:
    store, escaped = Store(home / "store"), json.dumps(name)[1:-1]
    for phase in store.done():
        values = json.loads(record_file(store, phase).read_text())
        for part in ("result", "spec", "files"):
            text = json.dumps(values[part]).replace('"sw"', json.dumps(name))
            values[part] = json.loads(text.replace("predictions/sw.", f"predictions/{escaped}."))
        write_record(store, phase, values)
    for verb in READING:
        if verb != "track":
            answered(verbs(kept, home / "store/out")[verb])
    written = {path.name for path in (home / "store/out").rglob("*") if path.is_file()}
    assert all("frac" not in one and "<" not in one for one in written)


@pytest.mark.parametrize("name", LEADING_OUT)
def test_pair_model_and_intermediate_of_a_verb_are_names_of_the_sweep(
    kept: Path, home: Path, name: str
) -> None:
    out = home / "store/out"
    for call in (
        lambda: xstilts.export(kept, f"{name}/pairs", out),
        lambda: xstilts.export(kept, f"noise/{name}", out),
        lambda: xstilts.export(kept, "noise/pairs", out, model=name or "?"),
        lambda: xstilts.submission(kept, out, model=name or "?"),
        lambda: xstilts.submission(kept, out, intermediate=name),
        lambda: xstilts.export(kept, "noise/pairs", f"hub:{name}"),
    ):
        with pytest.raises((InputError, XstiltsError)):
            call()


def test_mlflow_is_given_hostile_names_as_text(kept: Path, home: Path) -> None:
    rows = ledger_rows(kept)
    for row, name in zip(rows, (*LEADING_OUT, *NAMES, *NAMES), strict=False):
        row |= {"slot": f"{name}/{row['slot']}", "model": name, "error": f"![x](http://x.y/{name})"}
    write_ledger(kept, rows)
    answered(lambda: xstilts.track(kept, tracking=f"sqlite:///{home}/store/mlflow.db"))


@pytest.mark.parametrize(
    "link",
    [
        "sweeps/test-sweep-v1/ledger.jsonl",
        "sweeps/test-sweep-v1/sweep.json",
        "sweeps/test-sweep-v1/studies.journal",
        "sweeps/test-sweep-v1/report",
        "sweeps/test-sweep-v1",
        "sweeps",
        "leases",
        "mlflow.db",
        "phases",
    ],
)
def test_link_in_a_store_that_leads_out_of_it_is_followed_by_no_verb(
    sweep: Sweep, home: Path, link: str
) -> None:
    path = home / "store" / link
    if path.exists():
        path.rename(home / "store/before")
    path.symlink_to(home / "x" if "." in Path(link).name else home.parent)
    for verb in ("run", *READING):
        said = answered(verbs(sweep, home / "store/out")[verb])
        # `run` looks at the store first, then at the data, which are not here
        if "/" not in link if verb == "run" else link.startswith("sweeps"):
            assert "a link leads out of" in said, verb


def test_store_that_is_a_link_and_data_that_lie_elsewhere_work(home: Path) -> None:
    (home / "store/real").mkdir()
    Store(home / "store/real").prepare()
    (home / "store/link").symlink_to("real")
    (home / "store/real/data").rmdir()
    (home / "store/elsewhere").mkdir()
    (home / "store/real/data").symlink_to(home / "store/elsewhere")
    assert Store(home / "store/link").prepare().sweep_folder("x", 1).parent.is_dir()
