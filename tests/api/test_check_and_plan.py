"""Before anything is spent: everything is known to be good, and what it will cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import xstilts
from tests.support.tiny import make_sweep


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


def test_plan_before_any_run_counts_nothing_as_cached_and_writes_nothing(tmp_path: Path) -> None:
    planned = xstilts.plan(make_sweep(tmp_path)).to_json()
    assert planned["cached"] == 0
    assert planned["trainings"] == {"pretrain": 0, "intermediate": 2, "target": 6}
    assert not (tmp_path / "store").exists()


def test_check_refuses_inputs_longer_than_the_model_at_their_line(tmp_path: Path) -> None:
    file = make_sweep(tmp_path, target={"steps": 2, "max_length_tokens": 96})
    line = file.read_text().splitlines().index("  max_length_tokens: 96") + 1
    with pytest.raises(xstilts.SweepError) as caught:
        xstilts.check(file)
    (problem,) = caught.value.problems
    assert str(problem).startswith(
        f"{file}:{line}: target.max_length_tokens is 96; local/tiny reads at most 64 tokens"
    )


def test_check_doubts_are_warnings_and_no_error(tmp_path: Path) -> None:
    file = make_sweep(tmp_path)
    rows = [{"text": "one text", "label": "low"}] * 6
    (tmp_path / "rows/topic.sw.test.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in rows))
    checked = xstilts.check(file, leaks=False)
    assert any(
        warning.startswith("topic: (test, sw) all 6 rows have the same text: is `text` the right")
        for warning in checked.warnings
    )
    assert checked.to_json()["doubts"][0]["task"] == "topic"
