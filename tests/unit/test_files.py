"""Private files appear whole, durably and for their owner alone, or not at all."""

from pathlib import Path

import pytest

from rotator.files import new_private_file


@pytest.fixture(params=["without a name", "under a hidden name"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where new files are kept in each of the two ways."""
    if request.param == "under a hidden name":
        monkeypatch.delattr("os.O_TMPFILE")  # as on other systems than Linux
    return tmp_path


def test_a_file_appears_whole_and_private(folder: Path) -> None:
    """Nobody finds it under its name before it is complete, and nobody else can read it then."""
    path = folder / "export"
    with new_private_file(path) as file:
        file.write(b"first ")
        assert not path.exists()
        file.write(b"second")
    assert path.read_bytes() == b"first second"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(folder.iterdir()) == [path]


def test_what_fails_leaves_nothing(folder: Path) -> None:
    """An error in the middle takes the file with it."""

    def fail() -> None:
        with new_private_file(folder / "export") as file:
            file.write(b"first ")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(folder.iterdir()) == []


def test_a_file_is_never_replaced(folder: Path) -> None:
    """Neither one that is there already nor one that comes up meanwhile."""
    path = folder / "export"

    def make(*, meanwhile: bool) -> None:
        with new_private_file(path) as file:
            file.write(b"new")
            if meanwhile:
                path.write_bytes(b"old")

    for meanwhile in (True, False):
        with pytest.raises(FileExistsError):
            make(meanwhile=meanwhile)
        assert path.read_bytes() == b"old"
        assert list(folder.iterdir()) == [path]


def test_a_nameless_file_leaves_no_trace_while_it_is_written(tmp_path: Path) -> None:
    """On Linux a process that is killed leaves nothing: until the end there is no name in the folder."""
    with new_private_file(tmp_path / "export") as file:
        file.write(b"first")
        file.flush()
        assert list(tmp_path.iterdir()) == []
