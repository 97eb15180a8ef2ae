"""What a dashboard is asked, and what is said where it refuses, is none, or does not answer."""

from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator

import pytest

from tests.support.fake_dashboard import TOKEN, FakeDashboard, fake_dashboard
from xstilts.clusters.dashboard import Away, Dashboard, Unknown, Used
from xstilts.errors import EngineError, InputError


@pytest.fixture
def cluster() -> Iterator[FakeDashboard]:
    with fake_dashboard() as fake:
        yield fake


def submitted(cluster: FakeDashboard, name: str = "demo-v1-1") -> Dashboard:
    asked = Dashboard(cluster.url, TOKEN)
    asked.submit(name, "true", {}, {"a": "b"})
    return asked


def test_job_is_submitted_listed_alive_and_stopped(cluster: FakeDashboard) -> None:
    asked = submitted(cluster)
    (job,) = asked.jobs()
    assert (job.id, job.status, job.metadata, job.open) == (
        "demo-v1-1",
        "RUNNING",
        {"a": "b"},
        True,
    )
    assert asked.lives(job.id) and not asked.lives("demo-v1-2")
    asked.stop(job.id)
    stopped = asked.job(job.id)
    assert (stopped.status, stopped.open, stopped.exit_code) == ("STOPPED", False, None)
    assert not asked.lives(job.id)


def test_id_that_is_used_is_told_apart_from_other_refusals(cluster: FakeDashboard) -> None:
    with pytest.raises(Used, match="the job demo-v1-1 is there already"):
        submitted(cluster).submit("demo-v1-1", "true", {}, {})


def test_job_that_is_unknown_is_named(cluster: FakeDashboard) -> None:
    with pytest.raises(Unknown, match="there is no job gone-v1-1"):
        Dashboard(cluster.url, TOKEN).job("gone-v1-1")


def test_log_is_followed_to_the_end_of_the_job(cluster: FakeDashboard) -> None:
    asked, pieces = submitted(cluster), list[str]()
    cluster.logs["demo-v1-1"] = "one\ntwo\n"
    threading.Timer(0.2, cluster.end, ["demo-v1-1"]).start()
    asked.follow("demo-v1-1", pieces.append)
    assert "".join(pieces) == "one\ntwo\n" == asked.log("demo-v1-1")


def test_log_is_followed_inside_an_event_loop_too(cluster: FakeDashboard) -> None:
    asked, pieces = submitted(cluster), list[str]()
    cluster.logs["demo-v1-1"] = "one\n"
    cluster.end("demo-v1-1")

    async def notebook() -> None:
        asked.follow("demo-v1-1", pieces.append)

    asyncio.run(notebook())
    assert pieces == ["one\n"]


def test_connection_to_a_log_that_breaks_is_the_clusters_absence(cluster: FakeDashboard) -> None:
    asked = submitted(cluster)
    cluster.breaks = 1
    with pytest.raises(Away, match="the connection broke"):
        asked.follow("demo-v1-1", lambda piece: None)


def test_package_that_is_there_is_not_sent_again(cluster: FakeDashboard) -> None:
    asked = Dashboard(cluster.url, TOKEN)
    assert asked.keep("gcs://_ray_pkg_1.zip", b"content")
    assert not asked.keep("gcs://_ray_pkg_1.zip", b"content")
    assert cluster.packages == {"_ray_pkg_1.zip": b"content"}


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (
            None,
            r"asks for its token \(401\), and there is none here; put it into ~/.ray/auth_token",
        ),
        ("wrong-one", r"does not take the token that is here \(403\); put the one of this cluster"),
    ],
)
def test_token_that_lacks_or_is_wrong_is_said_as_such_and_not_shown(
    cluster: FakeDashboard, token: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said) as error:
        Dashboard(cluster.url, token).jobs()
    assert "wrong-one" not in str(error.value)


def test_address_where_nobody_listens_is_away() -> None:
    with pytest.raises(Away, match=r"http://127.0.0.1:1: no dashboard .* answers there .*refused"):
        Dashboard("http://127.0.0.1:1", None).ray_version()


class _Other(http.server.BaseHTTPRequestHandler):
    """Another server: a page for everybody, and a redirect to elsewhere."""

    seen: list[str]

    def do_GET(self) -> None:
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        self.send_response(302 if "jobs" in self.path else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *given: object) -> None:
        """Says nothing."""


def test_server_that_is_no_dashboard_is_told_and_no_redirect_takes_the_token_away() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Other) as server:
        server.seen = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = Dashboard(f"http://127.0.0.1:{server.server_port}", TOKEN)
        with pytest.raises(EngineError, match="what answers there is no dashboard of Ray"):
            asked.ray_version()
        with pytest.raises(EngineError, match="302"):
            asked.jobs()
        server.shutdown()
        assert server.seen == ["/api/version", "/api/jobs/"]  # type: ignore[attr-defined]


def test_proxy_and_netrc_of_the_user_never_see_a_request(
    cluster: FakeDashboard, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", netrc)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert Dashboard(cluster.url, TOKEN).ray_version() == "2.60.0"
