"""The report as a reader gets it: files, words, numbers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.support.builders import (
    build_store,
    ledger_rows,
    record_file,
    write_ledger,
    write_record,
)
from tests.support.chains import become_chain
from xstilts.errors import StoreError
from xstilts.results import layers
from xstilts.results.arm_pairs import pairs
from xstilts.results.gallery import pictures
from xstilts.results.rendering import render
from xstilts.results.report import context, write
from xstilts.results.scores import table
from xstilts.results.statistics import compare
from xstilts.store.doubts import Doubt, keep_doubts
from xstilts.store.ledger import Ledger
from xstilts.store.phases import Store
from xstilts.store.sealed import read_sealed, write_sealed
from xstilts.store.sweeps import read_sweep

PARTS = ("headline", "gains", "languages", "curves", "configurations", "failures", "provenance")


def _write(tmp_path: Path, **given) -> tuple[dict[str, Path], str, str]:
    store, folder = build_store(tmp_path / "store", **given)
    files = write(
        store, folder, tmp_path / "out", command="xstilts report x.yaml", resamples=200
    ).files
    return files, files["html"].read_text(), files["markdown"].read_text()


def _words(store: Store, folder: Path) -> tuple[str, str]:
    """HTML and Markdown without pictures, which take most of the time."""
    scores, sweep = table(store, folder), read_sweep(folder)
    swept = layers.curves(store, scores, sweep)
    compared = compare(scores, store, resamples=50)
    ledger = Ledger(folder)
    made = context(store, sweep, ledger, scores, compared, swept, resamples=50)
    values = {**made, "figures": {}}
    return render("report.html.j2", values), render("report.md.j2", values)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], str, str]:
    return _write(tmp_path_factory.mktemp("full"), examples=200)


def test_write_finished_sweep_yields_every_file(full) -> None:
    files, _, _ = full
    assert {"html", "markdown", "heatmap", "scores_parquet", "scores_csv", "gains_csv"} <= set(
        files
    )
    assert all(path.stat().st_size > 0 for path in files.values())
    assert files["heatmap"].read_bytes().startswith(b"\x89PNG")


def test_write_html_needs_nothing_beside_itself(full) -> None:
    _, html, _ = full
    assert not re.search(r'(src|href)="(?!data:|#|scores\.|gains\.)', html)
    assert "<script" not in html
    assert html.count("data:image/svg+xml;base64,") >= 6
    assert all(f'id="{part}"' in html for part in PARTS)


def test_write_scores_files_hold_the_table(full, tmp_path: Path) -> None:
    files, _, _ = full
    parquet, csv = (
        pd.read_parquet(files["scores_parquet"]),
        pd.read_csv(files["scores_csv"], keep_default_na=False),
    )
    assert len(parquet) == len(csv)
    assert list(parquet.columns) == list(csv.columns)
    assert set(csv["intermediate"]) == {"none", "skill", "noise", "scramble", "shared"}


def test_write_numbers_in_both_reports_are_those_of_the_gains(full) -> None:
    files, html, markdown = full
    gains = pd.read_csv(files["gains_csv"])
    at = (
        (gains["intermediate"] == "skill")
        & (gains["target"] == "pairs")
        & (gains["level"] == "mean")
    )
    shown = f"{gains.loc[at, 'gain'].iloc[0]:+.1f}"
    assert shown in html
    assert shown in markdown


def test_write_headline_says_who_chose(full) -> None:
    _, html, markdown = full
    for text in (html, markdown):
        assert "Mean of 3 of 3 targets:" in text
        assert text.index("best (chosen on English dev)") < text.index(
            "best (chosen on test, optimistic)"
        )
        assert "luck of the choice" in text


def test_write_sections_headline_first_and_only_those_that_say_something(full) -> None:
    _, html, markdown = full
    assert re.findall(r'<h2 id="(\w+)"', html) == [
        "headline",
        "gains",
        "groups",
        "languages",
        "curves",
        "configurations",
        "failures",
        "provenance",
    ]
    assert [line for line in markdown.splitlines() if line.startswith("## ")] == [
        "## Headline",
        "## Gains, intermediate × target",
        "## Groups of intermediates and targets",
        "## Gains by language",
        "## Learning curves",
        "## Best configuration of each search",
        "## Failures",
        "## Provenance",
    ]


def test_write_same_data_is_no_part_of_the_groups(full) -> None:
    _, html, markdown = full
    assert all(
        "shared → tags" in text[text.index("Groups of intermediates") :]
        for text in (html, markdown)
    )


def test_write_no_line_of_markdown_tables_is_torn(full) -> None:
    _, _, markdown = full
    for table_lines in re.findall(r"(?:^\|.*\n)+", markdown, flags=re.MULTILINE):
        columns = {len(re.findall(r"(?<!\\)\|", line)) for line in table_lines.splitlines()}
        assert len(columns) == 1, table_lines


def test_write_failures_stand_apart_from_negative_transfer(full) -> None:
    _, html, markdown = full
    for text in (html, markdown):
        failed, negative = text.index("CUDA out of memory"), text.index("scramble → pairs")
        assert "broken" in text[: negative + 1]
        assert failed < negative
    assert "0 of 2" in html


def test_write_same_training_data_is_marked(full) -> None:
    _, html, markdown = full
    assert "own English training data" in html
    assert "shared †" in markdown


def test_write_budget_and_pruned_trials_are_shown(full) -> None:
    _, html, _ = full
    assert (
        "got the same budget: 18 pairs with 2 trials each, 5 intermediates with 2 trials each"
        in html
    )


def test_write_english_selection_has_no_banner(full) -> None:
    _, html, markdown = full
    assert 'class="banner"' not in html
    assert "Oracle" not in markdown


def test_write_no_machine_path_reaches_the_reader(full, tmp_path: Path) -> None:
    files, html, markdown = full
    store = str(files["html"].parents[1])
    assert store not in html
    assert store not in markdown


def test_write_oracle_selection_is_said_in_every_section(tmp_path: Path) -> None:
    _, html, markdown = _write(
        tmp_path,
        selection="oracle",
        targets=("pairs",),
        intermediates=("none", "skill"),
        examples=30,
    )
    assert 'class="banner"' in html
    sections = re.split(r"^## ", markdown, flags=re.MULTILINE)
    assert all("Oracle selection" in section for section in sections)


def test_write_unequal_budgets_are_said(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path / "store", targets=("pairs",), intermediates=("none", "skill"), examples=20
    )
    ledger = Ledger(folder)
    entry = next(e for e in ledger.entries() if e.kind == "target" and e.role == "trial")
    ledger.write(entry.model_copy(update={"slot": "extra", "trial": 9}))
    html, _ = _words(store, folder)
    assert "The budgets are not equal (1 pair with 2 trials each, 1 pair with 3 trials each" in html


def test_write_nothing_significant_says_so(tmp_path: Path) -> None:
    html, markdown = _words(
        *build_store(tmp_path, targets=("pairs",), intermediates=("none", "noise"), examples=60)
    )
    assert "The one pair does not differ significantly from its baseline" in markdown
    assert "no significant gain" in html


def test_write_nothing_evaluated_still_reports_the_failures(tmp_path: Path) -> None:
    _, html, markdown = _write(
        tmp_path, targets=("pairs",), intermediates=("none", "broken"), examples=20
    )
    assert "CUDA out of memory" in html
    assert "There is no gain to report" in markdown


def test_write_damaged_record_is_listed(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path / "store", targets=("pairs",), intermediates=("none", "skill"), examples=30
    )
    phase = table(store, folder)["phase"].iloc[-1]
    record_file(store, phase).write_text("{")
    html, _ = _words(store, folder)
    assert "Not everything could be read" in html
    assert "1 of 2" in html


def test_write_hostile_names_are_escaped(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path / "store", targets=("pairs",), intermediates=("none", "skill"), examples=20
    )
    sweep = read_sealed(folder / "sweep.json")
    sweep["description"] = "<img src=x onerror=alert(1)> | a"
    write_sealed(folder / "sweep.json", sweep)
    assert all("<img src=x" not in text for text in _words(store, folder))


def test_write_one_seed_warns_about_its_intervals(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill"), seeds=(1,), examples=30
    )
    for text in _words(store, folder):
        assert "One seed" in text
        assert "Nothing is tested: no pair of 1 has two seeds" in text
        # every interval says it: headline, grid, its language and its means
        assert text.count(", over test examples alone") >= 6
        assert not re.search(r"[+−]\d+\.\d\\?\*", text), "a star"


def test_write_mixture_shows_rates_members_and_their_curves(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path, targets=("pairs",), intermediates=("none", "skill", "noise"), examples=20
    )
    # the intermediate `skill` becomes a mixture of two tasks, in place
    ledger = Ledger(folder)
    slot = next(
        e
        for e in ledger.entries()
        if e.kind == "intermediate" and e.task == "skill" and e.trial == 1
    )
    record = json.loads(record_file(store, slot.phase).read_text())
    (member,) = record["spec"]["members"]
    other = {**member, "task": {**member["task"], "name": "noise"}}
    record["spec"] |= {
        "members": [member, other],
        "rates": {"cap": 50, "temperature": 2.0, "fixed": {}},
    }
    record["result"]["dev"]["metrics"] = {"skill": {"accuracy": 61.5}, "noise": {"accuracy": 43.2}}
    for point in record["result"]["curve"]:
        if point["dev"] is not None:
            point["dev_by_task"] = {"skill": 61.5, "noise": 43.2}
    write_record(store, slot.phase, record)
    for text in _words(store, folder):
        assert "rates: cap 50, temperature 2; separate heads" in text
        assert "noise accuracy 43.2" in text
    scores = table(store, folder)
    empty = layers.curves(store, scores, read_sweep(folder))
    drawn = pictures(
        store, scores, compare(scores, store, resamples=20).gains, read_sweep(folder), empty
    )
    (axes,) = [
        one for one in drawn["curves intermediates"]().axes if one.get_title(loc="left") == "skill"
    ]
    assert sorted(len(line.get_xdata()) for line in axes.lines) == [4, 4, 4]


def test_write_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing has been run"):
        write(Store(tmp_path), tmp_path / "sweeps" / "x-v1", tmp_path / "out")


@pytest.mark.parametrize("key", ["scores_parquet", "scores_csv"])
def test_analysis_script_draws_from_the_table_alone(full, tmp_path: Path, key: str) -> None:
    files, _, _ = full
    script = ROOT / "analysis" / "gains.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(files[key]), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert {p.name for p in tmp_path.iterdir()} == {
        "gains.csv",
        "heatmap.png",
        "languages-tags.png",
        "languages-pairs.png",
        "languages-answers.png",
    }
    report, own = pd.read_csv(files["gains_csv"]), pd.read_csv(tmp_path / "gains.csv", index_col=0)
    means = report[report["level"] == "mean"].set_index(["intermediate", "target"])["gain"]
    assert own.loc["skill", "tags"] == pytest.approx(means["skill", "tags"], abs=1e-3)
    assert "scramble" in done.stdout


def test_analysis_script_another_file_says_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    script = ROOT / "analysis" / "gains.py"
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "x.csv")], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "not a scores table" in done.stderr


def test_write_chain_is_reported_as_one_intermediate(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path,
        targets=("tags", "pairs"),
        intermediates=("none", "shared", "noise", "skill"),
        examples=40,
    )
    become_chain(folder, "skill", "shared", "noise")
    sweep = read_sweep(folder)
    scores = table(store, folder)
    against = [(pair.arm, pair.reference) for pair in pairs(sweep)]
    compared = compare(scores, store, resamples=50, against=against)
    swept = layers.curves(store, scores, sweep)
    ledger = Ledger(folder)
    made = context(store, sweep, ledger, scores, compared, swept, resamples=50)
    values = {**made, "figures": {}}
    html, markdown = render("report.html.j2", values), render("report.md.j2", values)
    for text in (html, markdown):
        assert "skill − noise" in text and "skill − shared" in text
        assert "One after the other, or one stage alone" in text
    assert "| skill everywhere |" in markdown
    assert "skill †: mean" in markdown, "its first stage trained on the target's own data"


def test_write_doubts_stand_in_both_reports_by_task(tmp_path: Path) -> None:
    store, folder = build_store(tmp_path / "store")
    doubted = [
        Doubt(task="pairs", message="label `x` has no training row (9 of 10 <b> have it)"),
        Doubt(task="pairs", message="leak: two"),
        Doubt(task="tags", message="leak: three"),
    ]
    keep_doubts(folder, doubted)
    files = write(store, folder, tmp_path / "out", resamples=50).files
    html, markdown = files["html"].read_text(), files["markdown"].read_text()
    assert '<a href="#doubts">' in html and '<h2 id="doubts">Doubts about the data</h2>' in html
    assert "<li>label <code>x</code> has no training row (9 of 10 &lt;b&gt; have it)</li>" in html
    assert html.index("Doubts about the data") < html.index("Gains, intermediate")
    section = markdown[markdown.index("## Doubts about the data") :]
    section = section[: section.index("## Gains")]
    assert section.count("\n- **") == 3
    assert "- **tags**: leak: three" in section
    assert "(9 of 10 &lt;b&gt; have it)" in section


def test_write_without_doubts_has_no_such_section(full) -> None:
    _, html, markdown = full
    assert "Doubts" not in html and "Doubts" not in markdown


def test_write_with_pictures_that_cannot_be_drawn_says_which_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, folder = build_store(
        tmp_path / "store", targets=("pairs",), intermediates=("none", "skill"), examples=20
    )
    monkeypatch.setattr("xstilts.results.gallery.PALETTE", ("grey", "no colour"))
    told: list[str] = []
    files = write(store, folder, tmp_path / "out", resamples=50, tell=told.append).files
    lost = ("intervals", "curves", "curves intermediates")
    assert [one.split("`")[1] for one in told] == list(lost)
    assert "heatmap" in files and "languages pairs" in files and not {*lost} & {*files}
    html, markdown = files["html"].read_text(), files["markdown"].read_text()
    for name in lost:
        assert f"picture `{name}` could not be drawn (ValueError: " in html
        assert rf"picture \`{name}\` could not be drawn (ValueError: " in markdown
    assert "&#39;no colour&#39; is not a valid" in html
    assert "Learning curves" in html, "the section says that there are none"


def test_write_tables_have_no_formulas(tmp_path: Path) -> None:
    store, folder = build_store(
        tmp_path / "store", targets=("pairs",), intermediates=("none", "skill"), examples=20
    )
    rows = ledger_rows(folder)
    write_ledger(folder, [row | ({"model": "=1+1"} if "model" in row else {}) for row in rows])
    files = write(store, folder, tmp_path / "out", resamples=50).files
    for name in ("scores_csv", "gains_csv"):
        assert "'=1+1," in files[name].read_text()
        assert not re.search(r"(^|,)=", files[name].read_text(), re.MULTILINE)
    assert set(pd.read_parquet(files["scores_parquet"])["model"]) == {"=1+1"}
