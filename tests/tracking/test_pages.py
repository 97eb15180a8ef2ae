"""What a user sees first in MLflow."""

from __future__ import annotations

import base64
import json
import re
import shlex
import zlib
from html import unescape

from markdown_it import MarkdownIt

from tests.support.builders import task
from xstilts.spec.sweep import Chain, Model, Sweep
from xstilts.tracking.pages import experiment_tags, how_to_open, page


def test_experiment_saved_views_are_readable_by_the_page() -> None:
    sweep = Sweep(
        name="s",
        models=(Model(id="m"),),
        intermediates=("none",),
        targets=("tags",),
        tasks=(task("tags", ("en", "de")),),
    )
    tags = experiment_tags(sweep)
    views = {
        json.loads(v)["name"]: json.loads(v)["state"]
        for k, v in tags.items()
        if "sharedViewState" in k
    }
    assert list(views) == [
        "Pairs by gain",
        "Seeds by gain",
        "Trainings",
        "Not finished",
        "Gains by language",
    ]
    state = json.loads(
        zlib.decompress(base64.b64decode(views["Gains by language"].removeprefix("deflate;")))
    )
    assert state["orderByKey"] == "metrics.`gain`"
    assert "metrics.`gain/tags/de`" in state["selectedColumns"]


def test_page_is_the_saved_view_of_pairs() -> None:
    assert page("7").startswith("/#/experiments/7/runs?")
    assert page("7").endswith("viewStateShareKey=xstilts-pairs")


def test_experiment_of_a_chain_has_columns_for_each_of_its_stages() -> None:
    sweep = Sweep(
        name="s",
        models=(Model(id="m"),),
        intermediates=("none", Chain(chain=("tags", "pairs"))),
        targets=("tags",),
        tasks=(task("tags"), task("pairs")),
    )
    shown = json.loads(experiment_tags(sweep)["mlflow.sharedViewState.xstilts-seeds"])["state"]
    state = json.loads(zlib.decompress(base64.b64decode(shown.removeprefix("deflate;"))))
    assert "params.`intermediate.2.lr`" in state["selectedColumns"]


def test_command_that_opens_a_page_can_be_pasted_into_a_shell() -> None:
    uri = "sqlite+pysqlite:////a b/[1] #%3F'/mlflow.db"
    command, address = how_to_open("/#/x", uri).split("   then ")
    assert shlex.split(command) == ["mlflow", "ui", "--backend-store-uri", uri]
    assert address == "http://127.0.0.1:5000/#/x"
    assert how_to_open("/#/x", "https://host/") == "https://host/#/x"


def test_description_in_the_note_of_an_experiment_is_text() -> None:
    sweep = Sweep(
        name="s",
        description="![x](http://evil.example/a.png) <script>1</script> [a](//b.c) {0} {name}",
        models=(Model(id="m"),),
        intermediates=("none",),
        targets=("tags",),
        tasks=(task("tags"),),
    )
    note = experiment_tags(sweep)["mlflow.note.content"]
    html = MarkdownIt("commonmark").render(note)
    assert "![x](http://evil.example/a.png)" in unescape(html)
    assert not re.search("<(img|script|a)", html) and "://" not in note
    assert "<strong>Views</strong>" in html
