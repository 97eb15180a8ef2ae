"""Trainings: what they record, and that nothing but their spec decides their numbers."""

from __future__ import annotations

import json
import math
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.support import toy
from xstilts.errors import CorruptError, PhaseError
from xstilts.spec.phase import PhaseParent, PhaseSpec
from xstilts.spec.task import Splits, Task
from xstilts.spec.transforms import Pseudo, Transform
from xstilts.store.phases import Store
from xstilts.store.retention import drop
from xstilts.training.phase import Report, run_phase


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model with dropout, one without, and rows."""
    folder = tmp_path_factory.mktemp("world")
    toy.base_model(folder / "base")
    toy.base_model(folder / "dry", dropout=0.0)
    toy.write_rows(folder / "rows")
    return folder


def spec_of(world: Path, *kinds: str, base: str = "base", **changes: Any) -> PhaseSpec:
    return toy.training(
        str(world / base), [toy.task(kind, world / "rows") for kind in kinds], **changes
    )


def result(store: Path, spec: PhaseSpec) -> Any:
    return Store(store).phase(spec.id).record().result


def run(
    store: Path, spec: PhaseSpec, report: Callable[[Report], bool] = toy.silent, **changes: Any
) -> Any:
    assert run_phase(spec, toy.context(store, **changes), report) == "done"
    return result(store, spec)


def weights(store: Path, spec: PhaseSpec) -> dict[str, torch.Tensor]:
    folder = Store(store).phase(spec.id).checkpoint()
    files = sorted(folder.glob("*.safetensors"))
    return {
        f"{file.name}:{name}": value for file in files for name, value in load_file(file).items()
    }


def assert_same(one: Path, two: Path, spec: PhaseSpec) -> None:
    """Two stores hold the same phase with the same numbers and weights, bit for bit."""
    assert toy.numbers(result(one, spec)) == toy.numbers(result(two, spec))
    left, right = weights(one, spec), weights(two, spec)
    assert left.keys() == right.keys() and all(
        torch.equal(left[name], right[name]) for name in left
    )


# -- what a training does


@pytest.mark.parametrize("kind", ["class", "tags", "qa", "choice", "text"])
def test_training_of_each_format_leaves_a_whole_record(
    world: Path, tmp_path: Path, kind: str
) -> None:
    spec = spec_of(world, kind)
    got = run(tmp_path, spec)
    record = Store(tmp_path).phase(spec.id).record()
    assert got.steps == 10 and got.examples == 80 and got.stopped == "finished" and got.tokens > 0
    assert [point.step for point in got.curve if point.dev is not None] == [4, 8, 10]
    assert got.dev.step in (4, 8, 10) and 0 <= got.dev.value <= 100
    assert got.dev.metrics[kind][got.dev.metric] == got.dev.value
    assert got.dev.value == max(point.dev for point in got.curve if point.dev is not None)
    assert record.provenance.versions["torch"] == torch.__version__
    assert not (tmp_path / "phases" / spec.id / "partial").exists()


def test_training_on_transformed_rows_records_what_came_of_them(
    world: Path, tmp_path: Path
) -> None:
    changed = toy.task(
        "class", world / "rows", name="odd", transform=Transform(pseudo=Pseudo(), share=0.5)
    )
    spec = toy.training(str(world / "base"), [changed, toy.task("tags", world / "rows")])
    (name, facts), *others = run(tmp_path, spec).transformed.items()
    assert (name, others) == ("odd", [])
    assert (
        facts["rows"] == facts["rows_made"] == 96
        and 0 < facts["rows_chosen"] < 96
        and facts["dropped"] == {}
    )
    assert run(tmp_path, spec_of(world, "class")).transformed == {}


def test_training_with_gradient_checkpointing_gives_the_same_numbers(
    world: Path, tmp_path: Path
) -> None:
    spec = spec_of(world, "class", "tags")
    run(tmp_path / "kept", spec)
    run(tmp_path / "again", spec, gradient_checkpointing=True)
    assert_same(tmp_path / "kept", tmp_path / "again", spec)


def test_training_learns(world: Path, tmp_path: Path) -> None:
    got = run(tmp_path, spec_of(world, "tags", steps=60, lr=5e-3, eval_every_steps=60))
    assert got.curve[-1].loss < 0.5 * got.curve[0].loss
    assert got.dev.value > 90


def test_training_with_a_record_returns_at_once(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class")
    run(tmp_path, spec)
    reports: list[Report] = []
    assert run_phase(spec, toy.context(tmp_path), lambda r: bool(reports.append(r))) == "done"
    assert reports == []


def test_training_on_retrieval_is_an_error(world: Path, tmp_path: Path) -> None:
    with pytest.raises(PhaseError, match="retrieval can't be trained"):
        run(tmp_path, spec_of(world, "pairs"))


def test_training_without_dev_split_keeps_the_last_weights(world: Path, tmp_path: Path) -> None:
    task = toy.task("class", world / "rows", splits=Splits(train="train"))
    got = run(tmp_path, toy.training(str(world / "base"), [task]))
    assert got.dev is None and got.curve[-1].step == 10


def test_training_on_several_languages_takes_them_all(world: Path, tmp_path: Path) -> None:
    task = toy.task("class", world / "rows", train_language=("en", "fi"))
    one = run(tmp_path, toy.training(str(world / "base"), [task]))
    two = run(tmp_path, spec_of(world, "class"))
    assert one.curve != two.curve and one.dev.metric == "accuracy"


def test_training_reports_each_evaluation(world: Path, tmp_path: Path) -> None:
    reports: list[Report] = []

    def report(one: Report) -> bool:
        reports.append(one)
        return True

    got = run(tmp_path, spec_of(world, "class"), report)
    values = {r.step: r.value for r in reports if r.value is not None}
    assert values == {point.step: point.dev for point in got.curve if point.dev is not None}
    assert [r.doing for r in reports if r.doing] == ["loading the model", "encoding rows of class"]
    assert all(r.steps == 10 and bool(r.tokens_per_second) != bool(r.doing) for r in reports)


def test_training_pruned_stops_and_leaves_no_record(world: Path, tmp_path: Path) -> None:
    spec, steps = spec_of(world, "class"), []
    outcome = run_phase(
        spec, toy.context(tmp_path), lambda r: bool(steps.append(r.step)) or r.value is None
    )
    assert outcome == "pruned" and steps[-1] == 4
    phase = Store(tmp_path).phase(spec.id)
    assert not phase.done and not Path(phase.checkpoint_where).exists()


def test_training_pruned_at_its_last_update_is_kept(world: Path, tmp_path: Path) -> None:
    got = run(tmp_path, spec_of(world, "class"), lambda report: report.step < report.steps)
    assert got.steps == 10 and got.stopped == "finished"


def test_training_in_bf16_runs_on_a_cpu(world: Path, tmp_path: Path) -> None:
    low, full = (
        run(tmp_path, spec_of(world, "class", precision="bf16")),
        run(tmp_path, spec_of(world, "class")),
    )
    assert low.loss != full.loss and low.loss == pytest.approx(full.loss, rel=0.1)


# -- parents and heads


def test_head_of_the_parent_does_not_pass_on(world: Path, tmp_path: Path) -> None:
    first = spec_of(world, "class", lr=5e-3)
    run(tmp_path, first)
    second = spec_of(world, "class", parent=PhaseParent(phase=first.id), lr=1e-12, weight_decay=0.0)
    run(tmp_path, second)
    old, new = weights(tmp_path, first), weights(tmp_path, second)
    body, head = "model.safetensors:", "head-0.safetensors:"
    assert all(torch.allclose(old[n], new[n], atol=1e-6) for n in old if n.startswith(body))
    matrices = [n for n in old if n.startswith(head) and old[n].ndim == 2]
    assert matrices and not any(torch.allclose(old[n], new[n], atol=1e-3) for n in matrices)


def test_mixture_trains_a_head_for_each_member(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class", "tags", rates=(3.0, 1.0), steps=8, eval_every_steps=8)
    got = run(tmp_path, spec)
    heads = json.loads((Store(tmp_path).phase(spec.id).checkpoint() / "heads.json").read_text())
    assert [head["task"] for head in heads] == ["class", "tags"]
    metrics = got.dev.metrics
    assert got.dev.metric == "mean"
    assert got.dev.value == (metrics["class"]["accuracy"] + metrics["tags"]["token_accuracy"]) / 2


# -- the same numbers, whatever happens


class Killed(Exception):
    """Stands for the end of a process."""


def killer(step: int) -> Callable[[Report], bool]:
    def report(one: Report) -> bool:
        if one.step >= step:
            raise Killed
        return True

    return report


@pytest.mark.parametrize("kind", ["class", "text"])
@pytest.mark.parametrize("step", [4, 8])
def test_training_killed_and_resumed_equals_uninterrupted(
    world: Path, tmp_path: Path, kind: str, step: int
) -> None:
    spec = spec_of(world, kind, grad_accumulation=2)
    run(tmp_path / "whole", spec)
    with pytest.raises(Killed):
        run(tmp_path / "cut", spec, killer(step), partial_every_seconds=0)
    assert Store(tmp_path / "cut").phase(spec.id).partials()
    run(tmp_path / "cut", spec)
    assert_same(tmp_path / "whole", tmp_path / "cut", spec)


def test_training_killed_by_sigkill_and_resumed_equals_uninterrupted(
    world: Path, tmp_path: Path
) -> None:
    spec = spec_of(world, "tags", steps=12)
    run(tmp_path / "whole", spec)
    specs = tmp_path / "specs.json"
    specs.write_text(json.dumps([spec.model_dump(mode="json")]))
    command = toy.worker(str(tmp_path / "cut"), str(specs), "0", "0", "", "8")
    killed = subprocess.run(command, env=toy.environment(), capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not Store(tmp_path / "cut").phase(spec.id).done
    run(tmp_path / "cut", spec)
    assert_same(tmp_path / "whole", tmp_path / "cut", spec)


@pytest.mark.parametrize("damaged", [1, 2])
def test_training_with_damaged_partials_goes_back_and_equals_uninterrupted(
    world: Path, tmp_path: Path, damaged: int
) -> None:
    spec = spec_of(world, "class")
    run(tmp_path / "whole", spec)
    with pytest.raises(Killed):
        run(tmp_path / "cut", spec, killer(8), partial_every_seconds=0)
    phase = Store(tmp_path / "cut").phase(spec.id)
    found = [phase.partial(step) for step in reversed(phase.partials())]
    assert len(found) == 2
    for folder in found[-damaged:]:
        content = bytearray((folder / "state.pt").read_bytes())
        content[len(content) // 2] ^= 0xFF
        (folder / "state.pt").write_bytes(content)
    with pytest.warns(UserWarning, match="damaged"):
        run(tmp_path / "cut", spec)
    assert_same(tmp_path / "whole", tmp_path / "cut", spec)


def test_phases_in_any_order_and_in_a_fresh_process_give_the_same_numbers(
    world: Path, tmp_path: Path
) -> None:
    specs = [
        spec_of(world, "class"),
        spec_of(world, "text", seed=2),
        spec_of(world, "class", "qa", seed=3),
    ]
    for spec in specs:
        run(tmp_path / "forth", spec)
    torch.manual_seed(12345)
    for spec in reversed(specs):
        run(tmp_path / "back", spec)
    listed = tmp_path / "specs.json"
    listed.write_text(json.dumps([specs[1].model_dump(mode="json")]))
    command = toy.worker(str(tmp_path / "fresh"), str(listed))
    subprocess.run(command, env=toy.environment(), check=True, timeout=120)
    for spec in specs:
        assert_same(tmp_path / "forth", tmp_path / "back", spec)
    assert_same(tmp_path / "forth", tmp_path / "fresh", specs[1])


def test_training_in_a_thread_gives_the_same_numbers(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class")
    run(tmp_path / "main", spec)
    thread = threading.Thread(target=run, args=(tmp_path / "thread", spec))
    thread.start()
    thread.join()
    assert_same(tmp_path / "main", tmp_path / "thread", spec)


def test_evaluations_in_between_change_nothing(world: Path, tmp_path: Path) -> None:
    often, once = (spec_of(world, "class", eval_every_steps=n) for n in (2, 10))
    left, right = run(tmp_path, often), run(tmp_path, once)
    assert left.curve[-1].loss == right.curve[-1].loss


@pytest.mark.parametrize("kind", ["tags", "text"])
def test_gradient_accumulation_changes_no_loss(world: Path, tmp_path: Path, kind: str) -> None:
    whole = run(tmp_path, spec_of(world, kind, base="dry"))
    parts = run(tmp_path, spec_of(world, kind, base="dry", grad_accumulation=3))
    for one, two in zip(whole.curve, parts.curve, strict=True):
        assert one.loss == pytest.approx(two.loss, rel=1e-5)


def group(store: Path, specs: list[PhaseSpec], folder: Path, size: int) -> None:
    """Runs phases on a gloo group of `size` processes."""
    listed = folder / "specs.json"
    listed.write_text(json.dumps([spec.model_dump(mode="json") for spec in specs]))
    workers = [
        subprocess.Popen(
            toy.worker(str(store), str(listed), str(rank), str(size), str(folder / "meeting")),
            env=toy.environment(),
            stderr=subprocess.PIPE,
        )
        for rank in range(size)
    ]
    errors = [worker.communicate(timeout=180)[1].decode() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * size, "\n".join(errors)


@pytest.mark.slow
def test_two_workers_give_the_losses_and_scores_of_one(world: Path, tmp_path: Path) -> None:
    odd = spec_of(world, "tags", base="dry", batch_size=7)
    small = spec_of(world, "class", base="dry", batch_size=1, steps=4)
    masked = spec_of(world, "text", base="dry", grad_accumulation=2)
    mixed = spec_of(world, "class", "tags", base="dry")
    trainings = [odd, small, masked, mixed]
    languages = {"languages": ("en", "fi", "en2"), "language_names": {"en2": "en"}}
    scored = toy.evaluation(odd, toy.task("tags", world / "rows", **languages))
    for spec in [*trainings, scored]:
        run(tmp_path / "one", spec)
    group(tmp_path / "two", [*trainings, scored], tmp_path, 2)
    for spec in trainings:
        one, two = result(tmp_path / "one", spec), result(tmp_path / "two", spec)
        for left, right in zip(one.curve, two.curve, strict=True):
            assert left.loss == pytest.approx(right.loss, rel=1e-5)
            assert left.dev == pytest.approx(right.dev, abs=0.5)
        assert Store(tmp_path / "two").phase(spec.id).record().provenance.workers == 2
    one, two = result(tmp_path / "one", scored), result(tmp_path / "two", scored)
    assert one.n == two.n and set(one.scores) == set(two.scores) == {"en", "fi", "en2"}
    assert one.mean["token_accuracy"] == pytest.approx(two.mean["token_accuracy"], abs=0.5)


@pytest.mark.slow
def test_group_of_one_worker_equals_a_plain_process(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class")
    run(tmp_path / "plain", spec)
    group(tmp_path / "group", [spec], tmp_path, 1)
    assert_same(tmp_path / "plain", tmp_path / "group", spec)


# -- small things


def test_leftovers_of_a_killed_save_are_replaced(world: Path, tmp_path: Path) -> None:
    spec = spec_of(world, "class")
    leftover = Path(Store(tmp_path).phase(spec.id).checkpoint_where)
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half")
    run(tmp_path, spec)
    assert weights(tmp_path, spec)
    shutil.rmtree(tmp_path)


def test_result_holds_plain_finite_numbers(world: Path, tmp_path: Path) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for one in value.values() for leaf in leaves(one)]
        return (
            [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]
        )

    got = run(tmp_path, spec_of(world, "qa"))
    assert all(
        leaf is None or isinstance(leaf, str) or math.isfinite(leaf)
        for leaf in leaves(got.to_json())
    )


def test_task_used_twice_in_a_mixture_is_fine(world: Path, tmp_path: Path) -> None:
    task: Task = toy.task("class", world / "rows")
    other = toy.task("class", world / "rows", name="again")
    got = run(tmp_path, toy.training(str(world / "base"), [task, other]))
    assert set(got.dev.metrics) == {"class", "again"} and got.dev.metric == "accuracy"


# -- a checkpoint that was dropped


def test_phase_whose_checkpoint_was_dropped_is_trained_again_bit_for_bit(
    tmp_path: Path, world: Path
) -> None:
    spec = spec_of(world, "class")
    run(tmp_path, spec)
    store = Store(tmp_path)
    record = (tmp_path / f"phases/{spec.id}/record.json").read_bytes()
    before = weights(tmp_path, spec)
    size = sum(one.size for one in store.phase(spec.id).record().files.values())
    assert drop(store, spec.id, "somebody", "for a test") == size
    assert run_phase(spec, toy.context(tmp_path), toy.silent) == "done"
    assert store.phase(spec.id).complete
    assert (tmp_path / f"phases/{spec.id}/record.json").read_bytes() == record
    after = weights(tmp_path, spec)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_phase_whose_parents_checkpoint_was_dropped_says_which_and_is_no_damage(
    tmp_path: Path, world: Path
) -> None:
    parent = spec_of(world, "class")
    run(tmp_path, parent)
    assert drop(Store(tmp_path), parent.id, "sweep a-v1", "for a test")
    child = spec_of(world, "tags").model_copy(update={"parent": PhaseParent(phase=parent.id)})
    with pytest.raises(CorruptError, match="was dropped") as raised:
        run_phase(child, toy.context(tmp_path), toy.silent)
    assert raised.value.phase == parent.id
    assert Store(tmp_path).phase(parent.id).fault(whole=True) == ""
