"""What waits: a read behind a barrier, and a rotation that nobody has begun yet."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from rotator.config.api import ApiSettings
from rotator.store import rotations, secrets
from tests.support.api import ServedApi, served
from tests.support.manager import THE_ENGINE, row_id

LIMIT = 60.0  # seconds, more than any test waits


@pytest.fixture(scope="module")
def narrow(api: ServedApi) -> Iterator[ServedApi]:
    """An API on the same store that has one thread."""
    with served(api.house, ApiSettings(threads=1)) as narrow:
        yield narrow


def _set_barrier(api: ServedApi, name: str, *, raised: bool) -> None:
    with api.house.store.write() as tx:
        at = {"barrier_raised_at": tx.now, "barrier_until": tx.now + timedelta(seconds=LIMIT)}
        columns = at if raised else dict.fromkeys(at)
        secrets.update(tx, row_id(tx, name), **columns)


@pytest.mark.parametrize("batch", [False, True], ids=["one", "a batch"])
def test_a_read_behind_a_barrier_holds_no_thread(narrow: ServedApi, batch: bool) -> None:
    """While more reads wait than there are threads, another secret is read; when the barrier falls, they get theirs."""
    client, name = narrow.client(), f"gap/{uuid.uuid4().hex}"
    client.create_secret(Name=name, SecretString="old")
    client.create_secret(Name=f"{name}-other", SecretString="other")
    _set_barrier(narrow, name, raised=True)

    def read() -> str:
        own = narrow.client()
        if batch:
            found = own.batch_get_secret_value(SecretIdList=[name, f"{name}-other"])
            return str(found["SecretValues"][0]["SecretString"])
        return str(own.get_secret_value(SecretId=name)["SecretString"])

    with ThreadPoolExecutor(3) as readers:
        waiting = [readers.submit(read) for _ in range(3)]
        for _ in range(20):
            assert client.get_secret_value(SecretId=f"{name}-other")["SecretString"] == "other"
        assert not any(each.done() for each in waiting)
        client.put_secret_value(SecretId=name, SecretString="new")
        _set_barrier(narrow, name, raised=False)
        assert [each.result() for each in waiting] == ["new"] * 3


def test_a_rotation_that_nobody_was_there_to_begin_has_its_whole_time(api: ServedApi) -> None:
    """What it waited for the first daemon is not taken off its deadline."""
    client, name = api.client(), f"late/{uuid.uuid4().hex}"
    client.create_secret(Name=name, SecretString="old")
    token = client.rotate_secret(SecretId=name, RotationLambdaARN="generic-password")["VersionId"]
    with api.house.store.write() as tx:
        row = rotations.active(tx, row_id(tx, name))
        assert row is not None
        over = {"deadline_at": tx.now - timedelta(hours=1)}
        rotations.update_fenced(tx, row.id, fencing=row.fencing, columns=over)
    report = api.house.engine(parks=True).run_due(name, **THE_ENGINE)
    assert report is not None
    assert report.status == "succeeded"
    assert client.get_secret_value(SecretId=name)["VersionId"] == token
