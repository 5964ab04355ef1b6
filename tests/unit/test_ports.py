"""Which ports private servers get."""

import socket
from pathlib import Path

import pytest

from rotator.testing import ports

HOST = "127.0.0.1"


@pytest.fixture
def ephemeral(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in place of the system's own, which says what ports outgoing connections get."""
    file = tmp_path / "ip_local_port_range"
    monkeypatch.setattr(ports, "_EPHEMERAL", file)
    return file


def test_no_outgoing_connection_can_have_the_port(ephemeral: Path) -> None:
    """A server's port is below those that the system gives to outgoing connections."""
    ephemeral.write_text("10300\t60999\n")
    assert {ports.free_port(HOST) for _ in range(20)} <= set(range(10_240, 10_300))


@pytest.mark.parametrize("said", [None, "", "1024 65535"])
def test_where_none_is_kept_apart_the_system_chooses(ephemeral: Path, said: str | None) -> None:
    """Without such a range, or where it begins too low, any free port will do."""
    if said is not None:
        ephemeral.write_text(said)
    assert ports.free_port(HOST) > 1023


def test_a_port_in_use_is_not_given() -> None:
    """What somebody listens on is left out."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        assert not ports._is_free(HOST, port)
