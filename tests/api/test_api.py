"""The verbs as functions: everything is known to be good before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep
from xstilts.store.phases import Store


@pytest.fixture(autouse=True)
def own_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps here name mirrors of their own."""
    monkeypatch.delenv("XSTILTS_MIRROR", raising=False)


def test_check_good_sweep_returns_it_with_notes(tmp_path: Path) -> None:
    checked = xstilts.check(make_sweep(tmp_path))
    assert checked.to_json()["ok"]


def test_check_tells_what_is_read_and_what_it_resolves_to(tmp_path: Path) -> None:
    found = xstilts.check(make_sweep(tmp_path)).to_json()
    reads = {(read["task"], read["use"]): read for read in found["sources"]}
    assert set(reads) == {
        ("first", "train"),
        ("first", "dev"),
        ("topic", "train"),
        ("topic", "dev"),
        ("topic", "test"),
    }
    read = reads["topic", "test"]
    assert (read["rows"], read["has"], read["card"], read["kind"]) == (
        120,
        "60 each",
        "",
        "content",
    )
    assert read["languages"] == ["en", "sw"]
    assert len(read["resolved"]) == 24
    assert found["models"][0]["model"] == "local/tiny"
    assert len(found["models"][0]["resolved"]) == 24
    json.dumps(found)


def test_check_content_hash_follows_the_data(tmp_path: Path) -> None:
    def resolved() -> dict[tuple[str, str], str]:
        return {(r.task, r.use): r.resolved for r in xstilts.check(make_sweep(tmp_path)).sources}

    before = resolved()
    with (tmp_path / "rows/topic.sw.test.jsonl").open("a") as file:
        file.write('{"text": "w1 w2", "label": "low"}\n')
    after = resolved()
    assert {key for key in before if before[key] != after[key]} == {("topic", "test")}


def test_check_leak_is_a_warning_and_no_error(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    rows = tmp_path / "rows"
    copied = (rows / "topic.sw.test.jsonl").read_text().splitlines(keepends=True)[:6]
    with (rows / "first.en.train.jsonl").open("a") as out:
        out.writelines(copied)
    checked = xstilts.check(file)
    (leak,) = [leak for leak in checked.to_json()["leaks"]["found"] if leak["kind"] == "row"]
    assert (leak["training"], leak["target"]) == ("first", "topic")
    assert leak["rows"]["sw"] >= 3  # those of a few short words are passed over
    assert any(warning.startswith("leak: evaluation rows of topic") for warning in checked.warnings)


def test_check_without_leaks_says_that_they_were_not_looked_for(tmp_path: Path) -> None:
    checked = xstilts.check(make_sweep(tmp_path), leaks=False)
    assert checked.leaks is None
    assert checked.to_json()["leaks"] is None


def test_check_of_real_data_compares_it_with_its_cards(mirror: Path, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(
        "name: x\nmodels: [local/mini-xlmr]\nintermediates: [none]\ntargets: [xquad]\n"
        "tasks: {squad: {splits: {train: validation, dev: validation}}, xquad: {languages: [en]}}\n"
    )
    checked = xstilts.check(file, mirror=str(mirror), store=str(tmp_path / "store"))
    reads = {(read.task, read.use): read for read in checked.sources}
    assert (reads["squad", "train"].has, reads["squad", "train"].card) == ("10,570", "10,570")
    assert (reads["xquad", "test"].rows, reads["xquad", "test"].card) == (1190, "1,190")
    # type: ignore[union-attr]
    assert [leak.rows for leak in checked.leaks.leaks if leak.own] == [{"en": 1190}]
    assert [finding.severity for finding in checked.findings] == ["note"]  # one language of eleven


def test_check_asks_the_hub_for_the_commit_of_a_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.data.test_fetch import FolderHub
    from tests.support.worlds import context, write_mirror
    from xstilts.checks.audit import revisions
    from xstilts.planning import make_plan
    from xstilts.sources import hub
    from xstilts.spec.sweep import Model, Sweep
    from xstilts.tasks import TASKS

    row = {
        "context": ["x won"],
        "question": ["who?"],
        "answers": [{"text": ["x"], "answer_start": [0]}],
    }
    made = write_mirror(
        tmp_path / "made",
        "org/squad",
        {("plain_text", "train"): row, ("plain_text", "validation"): row},
    )
    (tmp_path / "hub/dataset/org/squad").mkdir(parents=True)
    (made / "datasets/org/squad").rename(tmp_path / "hub/dataset/org/squad/v7")
    monkeypatch.setattr(hub, "HUB", FolderHub(tmp_path / "hub"))
    source = TASKS["squad"].source.model_copy(update={"hub": "org/squad", "revision": "v7"})
    squad = TASKS["squad"].model_copy(update={"source": source})
    sweep = Sweep(
        name="x",
        models=(Model(id="org/model"),),
        intermediates=("none",),
        targets=("squad",),
        tasks=(squad,),
    )
    reads = revisions.reads(make_plan(sweep), context(tmp_path))
    assert {(read.asked, read.kind, read.resolved) for read in reads} == {
        ("v7", "commit", "commit of v7")
    }


def test_plan_estimates_on_the_gpu_that_is_given(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, resources={"gpu": "L4"})
    assert xstilts.plan(file).to_json()["cost"]["gpu"] == "L4"
    given = xstilts.plan(file, gpu="h100", mfu=0.5).to_json()["cost"]
    assert (given["gpu"], given["utilisation"]) == ("H100", 0.5)
    assert given["total"]["gpu_hours"] >= 0
    assert given["total"]["tokens"] > 0
    with pytest.raises(xstilts.InputError, match="must be one of T4"):
        xstilts.plan(file, gpu="abacus")


def test_notes_name_every_target_of_a_repeated_training(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("name: x\nmodels: [a]\nintermediates: [none, squad]\ntargets: [xquad, mlqa]\n")
    notes = xstilts.plan(file, store=str(tmp_path / "store")).notes
    assert "squad is an intermediate and the training data of xquad, mlqa" in notes


def test_check_finds_what_is_wrong_in_model_and_data_at_once(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, models=["local/tinyy"])
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    (tmp_path / "rows/first.en.train.jsonl").write_text('{"text": "w1", "label": "middle"}\n')
    with pytest.raises(xstilts.SweepError) as caught:
        xstilts.check(file)
    text = str(caught.value)
    assert "local/tiny" in text
    assert "topic" in text
    assert "middle" in text
    assert len(caught.value.problems) >= 3


def test_run_with_bad_data_trains_nothing(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    (tmp_path / "rows/topic.sw.test.jsonl").unlink()
    with pytest.raises(xstilts.InputError):
        xstilts.run(file)
    assert Store(tmp_path / "store").done() == set()
    assert not (tmp_path / "store/sweeps/tiny-v1").exists()


def test_run_same_name_and_version_with_another_plan_shows_the_difference(tmp_path: Path) -> None:
    from xstilts.driver.session import same_plan

    folder = tmp_path / "sweep"
    same_plan(folder, xstilts.load(make_sweep(tmp_path)))
    same_plan(
        folder,
        xstilts.load(make_sweep(tmp_path, resources={"slots": 1}, description="other words")),
    )
    changed = xstilts.load(make_sweep(tmp_path, seeds=[1, 5]))
    with pytest.raises(xstilts.SweepError, match=r"seeds\[1\]: 2 -> 5; raise `version`"):
        same_plan(folder, changed)


def test_run_damaged_copy_of_the_sweep_is_written_again(tmp_path: Path) -> None:
    from xstilts.driver.session import same_plan

    sweep = xstilts.load(make_sweep(tmp_path))
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text('{"name": "ti')
    same_plan(tmp_path / "sweep", sweep)
    assert xstilts.Sweep.model_validate_json((tmp_path / "sweep/sweep.json").read_bytes()) == sweep


def test_check_member_of_a_mixture_without_an_update_is_told(tmp_path: Path) -> None:
    # 12 steps: a share of 0.02 is 0.24 updates, and the largest remainder goes to the other
    mixture = {"mixture": ["first", "topic"], "name": "m", "rates": {"fixed": {"first": 0.02}}}
    told = (
        "m: first has 0.24 of 12 updates by its rate, so none: it is never trained; raise its "
        "rate, or the steps"
    )
    assert (
        told
        in xstilts.check(make_sweep(tmp_path, intermediates=["none", mixture]), leaks=False).notes
    )
    mixture["rates"] = "uniform"
    assert (
        told
        not in xstilts.check(
            make_sweep(tmp_path, intermediates=["none", mixture]), leaks=False
        ).notes
    )


def test_notes_shared_heads_that_nobody_can_share_are_told(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    mixture = "{mixture: [MEMBERS], name: m, heads: shared}"
    head = f"name: x\nmodels: [a]\ntargets: [xquad]\nintermediates: [none, {mixture}]\n"
    told = "m: heads are shared, but no two members have one format and the same labels"
    for members, alone in (("squad, mnli", True), ("squad, mnli, snli", False)):
        file.write_text(head.replace("MEMBERS", members))
        assert (told in xstilts.plan(file, store=str(tmp_path / "store")).notes) is alone


def test_plan_before_any_run_counts_nothing_as_cached_and_writes_nothing(tmp_path: Path) -> None:
    planned = xstilts.plan(make_sweep(tmp_path)).to_json()
    assert planned["cached"] == 0
    assert planned["trainings"] == {"pretrain": 0, "intermediate": 2, "target": 6}
    assert not (tmp_path / "store").exists()


def test_status_before_any_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(xstilts.XstiltsError, match="nothing has been run yet"):
        xstilts.status(make_sweep(tmp_path))


def test_sweep_value_serves_in_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = xstilts.load(make_sweep(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert xstilts.plan(sweep).to_json() == xstilts.plan(tmp_path / "tiny.yaml").to_json()
