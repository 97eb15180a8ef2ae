"""What is known of an MLflow server, read page by page."""

from __future__ import annotations

from types import SimpleNamespace as Has
from typing import Any

import pytest

from tests.tracking.world import World
from xstilts.tracking.mirrored import read_mirrored
from xstilts.tracking.server import connect


class Page(list[Any]):
    """A page of what MLflow lists, and the token of the next."""

    def __init__(self, items: list[Any], token: str | None) -> None:
        super().__init__(items)
        self.token = token


class PagedClient:
    """A server with two pages of runs and two of models."""

    def search_runs(self, experiments: list[str], max_results: int, page_token: str | None) -> Page:
        """The second page has a run that is not of xstilts."""
        assert experiments == ["7"]
        if page_token is None:
            tags = {"xstilts.key": "abc", "xstilts.sent": "f1", "xstilts.slot": "m/none"}
            return Page([Has(data=Has(tags=tags), info=Has(run_id="r1"))], "next")
        begun = Has(data=Has(tags={"xstilts.key": "def"}), info=Has(run_id="r2"))
        return Page([Has(data=Has(tags={}), info=Has(run_id="r3")), begun], None)

    def search_logged_models(self, experiments: list[str], page_token: str | None) -> Page:
        """The second page has a model that was begun and not finished."""
        first = page_token is None
        key, status = ("abc", "READY") if first else ("def", "PENDING")
        model = Has(tags={"xstilts.phase": key}, model_id=f"m-{key}", status=status)
        return Page([model], "next" if first else None)


def test_read_mirrored_follows_every_page_and_passes_over_strange_runs() -> None:
    client: Any = PagedClient()
    found = read_mirrored(client, "7")
    assert (found.client, found.experiment) == (client, "7")
    assert found.runs == {"abc": "r1", "def": "r2"}
    assert found.sent == {"abc": "f1", "def": ""}
    assert found.slots == {"abc": "m/none", "def": ""}
    assert found.models == {"abc": "m-abc", "def": "m-def"}
    assert found.pending == {"def"}


def test_read_mirrored_of_a_database_finds_what_its_pages_say(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = world.tracker()
    tracker.sync(world.entries)
    client = connect(world.uri)
    experiment = client.get_experiment_by_name(tracker.experiment).experiment_id
    client.delete_run(world.run("skill→tags s1").info.run_id)
    quick = read_mirrored(client, experiment)
    monkeypatch.setattr(client._tracking_client.store, "db_type", "postgresql")
    paged = read_mirrored(client, experiment)
    assert len(quick.runs) > 5
    assert len(quick.models) > 2
    assert quick == paged
