"""Who holds a lease, and whether that process is still there."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.rotation.owner import Owner

WORDS = st.text(st.characters(exclude_characters="/"), max_size=20)
OWNERS = st.builds(
    Owner,
    host=WORDS,
    boot=WORDS,
    namespace=WORDS,
    pid=st.integers(0, 999_999_999),
    started=WORDS,
)


@given(owner=OWNERS)
def test_what_is_written_can_be_read(owner: Owner) -> None:
    """An owner comes back as it was from the text that the row keeps."""
    assert Owner.parse(str(owner)) == owner


@given(text=st.text() | st.from_regex(r"a/b/c/[^/]*/d"))
def test_anything_else_is_nobody(text: str) -> None:
    """What isn't the text of an owner is read as None, or as one that is written in the same way."""
    owner = Owner.parse(text)

    assert owner is None or Owner.parse(str(owner)) == owner


def test_this_process_lives() -> None:
    """A process never sees itself dead, and names itself by number and host."""
    me = Owner.me()

    assert not me.seen_dead_by(me)
    assert me.shown == f"process {os.getpid()} on {me.host}"


def test_a_killed_process_is_seen_dead_as_a_zombie_and_after() -> None:
    """As soon as a process was killed it is seen dead, before and after its parent has waited for it."""
    code = "from rotator.rotation.owner import Owner; print(Owner.me(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        owner = Owner.parse(process.stdout.readline().strip())
        assert owner is not None
        assert not owner.seen_dead_by(Owner.me())
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert owner.seen_dead_by(Owner.me())

    assert owner.seen_dead_by(Owner.me())


def test_a_number_that_was_used_again_is_another_process() -> None:
    """A process that has the number but another start time is not the owner."""
    assert replace(Owner.me(), started="1").seen_dead_by(Owner.me())


@pytest.mark.parametrize(
    "changes",
    [
        {"boot": "another"},
        {"namespace": "pid:[1]"},
        {"boot": ""},
        {"namespace": ""},
        {"started": ""},
    ],
)
def test_what_can_not_be_compared_is_not_seen_dead(changes: dict[str, str]) -> None:
    """Of another boot, another PID namespace or an unknown start nobody can say that it is over."""
    gone = replace(Owner.me(), pid=999_999_999, **changes)

    assert not gone.seen_dead_by(Owner.me())


def test_a_process_that_can_not_be_looked_at_is_not_seen_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where /proc hides other users' processes, one that is there but can't be read may be the owner."""
    monkeypatch.setattr("rotator.rotation.owner._read", lambda _: "")
    me = Owner.me()

    assert not replace(me, started="1").seen_dead_by(me)
    assert replace(me, pid=999_999_999).seen_dead_by(me)


def test_a_fork_is_another_process() -> None:
    """A forked process doesn't take itself for the one that it came from."""
    code = (
        "import os\n"
        "from rotator.rotation.owner import Owner\n"
        "Owner.me()\n"
        "child = os.fork()\n"
        "if child:\n"
        "    os.waitpid(child, 0)\n"
        "else:\n"
        "    print(Owner.me().pid == os.getpid())\n"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert result.stdout == "True\n"
