"""Objects: what each answer of a store means, and conditional writes whose answer is lost."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import boto3
import pytest

from tests.support import object_servers
from tests.support.fault_proxy import Proxy
from xstilts.errors import StoreAway, StoreError
from xstilts.store import patience
from xstilts.store.objects import Objects, objects_at


@pytest.fixture
def objects(proxy: Proxy) -> Objects:
    return Objects(object_servers.address())


# -- conditional writes


@pytest.mark.parametrize("fault", ["lost", "cut", 500, 503, 409, "cut short"])
def test_create_and_replace_take_effect_once_whatever_becomes_of_the_first_answer(
    objects: Objects, proxy: Proxy, fault: str | int
) -> None:
    proxy.once(fault)
    tag = objects.create("a", b"1")
    assert tag is not None
    proxy.once(fault, fault)
    again = objects.replace("a", b"2", tag)
    assert again is not None
    proxy.once(fault)
    assert objects.replace("a", b"3", tag) is None
    proxy.once(fault)
    assert objects.create("a", b"4") is None
    found = objects.get("a")
    assert found is not None and found.content == b"2" and found.tag == again


def test_write_whose_answer_was_lost_and_that_another_has_replaced_since_did_not_win(
    objects: Objects, proxy: Proxy
) -> None:
    other, tag = Objects(objects.place), objects.create("a", b"1")
    assert tag is not None

    def plan(method: str, path: str) -> str | None:
        """The first answer is lost, and before it is read back, another replaces what it wrote."""
        proxy.plan = between
        return "lost"

    def between(method: str, path: str) -> None:
        proxy.plan = lambda method, path: None
        object_servers.put(f"http://{proxy.target}", objects.place, "a", b"x")

    proxy.plan = plan
    assert objects.replace("a", b"2", tag) is None
    found = other.get("a")
    assert found is not None and found.content == b"x"


def test_of_many_that_create_while_answers_are_lost_one_wins(
    objects: Objects, proxy: Proxy
) -> None:
    count = iter(range(1000))
    proxy.plan = lambda method, path: "lost" if next(count) % 3 == 0 else None
    won, barrier = [], threading.Barrier(8)

    def attempt(number: int) -> None:
        barrier.wait()
        if objects.create("a", b"%d" % number) is not None:
            won.append(b"%d" % number)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = objects.get("a")
    assert found is not None and won == [found.content]


def test_server_that_ignores_conditions_is_no_store(objects: Objects) -> None:
    objects.checked()
    assert objects.listed("") == []

    class Careless(Objects):
        def create(self, key: str, content: bytes) -> dict[str, str] | None:
            self.put(key, content)
            return {"e_tag": "x"}

    with pytest.raises(StoreError, match="ignores conditions on writes"):
        Careless(objects.place).checked()


# -- what is asked again, and what not


@pytest.mark.parametrize("fault", [500, 502, 503, 429, "cut", "cut short", "lost", 0.3])
def test_question_without_answer_is_asked_again(
    objects: Objects, proxy: Proxy, fault: str | float, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"f" * 3000)
    for method in ("PUT", "GET", "DELETE"):
        proxy.once(fault, fault, method=method)
        objects.put("a", b"1" * 3000)
        objects.send("b", tmp_path / "file")
        found = objects.get("a")
        assert found is not None and found.content == b"1" * 3000
        assert objects.fetch("b", tmp_path / "copy", 3000)
        assert [one.key for one in objects.listed("")] == ["a", "b"]
        assert [one.key for one in objects.names("")[1]] == ["a", "b"]
        objects.delete(["a", "b"])
        assert objects.get("a") is None
    assert (tmp_path / "copy").read_bytes() == b"f" * 3000


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "access is denied"),
        (401, "access is denied"),
        (507, "the store is full"),
        (400, "the store refused"),
    ],
)
def test_refusal_is_told_at_once_and_in_words(
    objects: Objects, proxy: Proxy, status: int, said: str
) -> None:
    objects.put("a", b"1")
    proxy.plan = lambda method, path: status
    proxy.asked.clear()
    with pytest.raises(StoreError, match=said) as error:
        objects.put("a", b"2")
    assert "Debug" not in str(error.value) and objects.place in str(error.value)
    with pytest.raises(StoreError, match=said):
        objects.create("b", b"2")
    assert len(proxy.asked) <= 8


def test_removal_that_is_denied_is_told_at_once_and_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3 answers 200 to that, with the refusal inside."""
    rule = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}
    with object_servers.moto() as endpoint:
        for name, value in object_servers.settings(endpoint).items():
            monkeypatch.setenv(name, value)
        objects = Objects(object_servers.address())
        objects.put("a", b"1")
        client = boto3.client("s3")
        client.put_bucket_policy(
            Bucket=object_servers.BUCKET,
            Policy=json.dumps({"Version": "2012-10-17", "Statement": [rule]}),
        )
        try:
            with pytest.raises(StoreError, match=r"access is denied \(AccessDenied\)"):
                objects.delete(["a"])
            with pytest.raises(StoreError, match=r"access is denied"):
                objects.checked()
        finally:  # the servers of one process share their buckets
            client.delete_bucket_policy(Bucket=object_servers.BUCKET)


def test_bucket_that_is_not_there_is_told(proxy: Proxy) -> None:
    objects = Objects("s3://no-such-bucket/a")
    for action in (
        lambda: objects.get("a"),
        lambda: objects.put("a", b"1"),
        lambda: objects.create("a", b"1"),
        lambda: objects.listed(""),
    ):
        with pytest.raises(StoreError, match="there is no such bucket; make it"):
            action()


def test_store_that_is_away_for_a_while_is_waited_for_and_told(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "TELL_SECONDS", 0.1)
    told: list[str] = []
    objects.patience.tell = told.append
    objects.put("a", b"1")
    proxy.down()
    threading.Timer(1.0, proxy.up).start()
    tag = objects.create("b", b"2")
    assert tag is not None and objects.get("b") is not None
    assert "does not answer (error sending request); it is waited for, 5 min in all" in told[0]
    assert told[1:] == [f"{objects.place} answers again"]


def test_store_that_stays_away_is_given_up(
    objects: Objects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(patience.WAIT_VARIABLE, "0.5")
    proxy.down()
    with pytest.raises(StoreAway, match="the same command carries on from here"):
        objects.get("a")


# -- credentials


def test_keys_of_the_profile_are_used_where_the_environment_has_none(
    moto: str, at_moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(
        "[lab]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    objects = Objects(at_moto)
    objects.put("a", b"1")
    assert objects.get("a") is not None


def test_place_is_opened_once_for_each_environment(
    at_moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert objects_at(at_moto) is objects_at(at_moto)
    before = objects_at(at_moto)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert objects_at(at_moto) is not before
