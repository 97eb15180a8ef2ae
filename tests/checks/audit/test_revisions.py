"""What `check` says is read: rows of parts, and of the union that they make."""

from __future__ import annotations

from pathlib import Path

from tests.support import worlds
from xstilts.checks.audit import revisions
from xstilts.data import looked
from xstilts.planning import make_plan
from xstilts.spec.hyperparameters import Settings
from xstilts.spec.sweep import Model, Sweep
from xstilts.spec.task import Limits, Source, Splits, Task
from xstilts.spec.transforms import Pseudo, Transform


def reads(folder: Path, task: Task) -> dict[tuple[str, str], tuple[int, str]]:
    """Task and use to rows used and rows there, of a sweep with one target."""
    sweep = Sweep(
        name="s",
        models=(Model(id="org/model"),),
        intermediates=("none",),
        targets=(task.name,),
        tasks=(task,),
        intermediate=Settings(steps=1),
        target=Settings(steps=1),
    )
    context = worlds.context(folder)
    facts = [
        *looked.look(task, "train", context).facts,
        *looked.look(task, "evaluate", context).facts,
    ]
    found = revisions.reads(make_plan(sweep), context, facts)
    for read in found:
        if read.left_out:
            assert sum(read.left_out.values()) + read.rows == int(read.has)
    return {(read.task, read.use): (read.rows, read.has) for read in found}


def test_union_is_told_as_a_whole_with_its_limit_and_what_its_transform_adds(
    tmp_path: Path,
) -> None:
    part = worlds.review_world(tmp_path)  # 40, 10 and 10 rows
    union = part.model_copy(
        update={
            "name": "both",
            "source": Source(union=True),
            "splits": Splits(),
            "limits": Limits(train=50),
            "parts": (
                part.model_copy(update={"name": "one"}),
                part.model_copy(update={"name": "two"}),
            ),
            "transform": Transform(pseudo=Pseudo(), add=True),
        }
    )
    found = reads(tmp_path, union)
    assert found["both", "train"] == (100, "80")  # 50 of 80 rows, and each once more
    assert (found["both", "dev"], found["both", "test"]) == ((20, "20"), (20, "20"))
    assert found["both: one", "train"] == found["both: two", "train"] == (40, "40")


def test_rows_that_a_transform_adds_are_counted(tmp_path: Path) -> None:
    added = worlds.review_world(tmp_path).model_copy(
        update={"transform": Transform(pseudo=Pseudo(), add=True)}
    )
    assert reads(tmp_path, added)["reviews", "train"] == (80, "40")
    assert reads(tmp_path, added)["reviews", "dev"] == (10, "10")


def test_rows_are_those_that_are_scored_and_the_others_are_left_out(tmp_path: Path) -> None:
    task = worlds.review_world(tmp_path)
    rows = [{"body": "w", "verdict": label} for label in (0, 1, -1, -1, 1)]
    worlds.write_jsonl(tmp_path / "reviews/test.jsonl", rows)
    assert reads(tmp_path, task)["reviews", "test"] == (3, "5")
