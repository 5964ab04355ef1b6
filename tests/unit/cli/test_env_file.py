"""`.env` files as an import reads them."""

import pytest

from rotator.cli.transfer.env_file import Unreadable, variables

FILE = b"""\
# a comment

export DB_URL="postgres://u:p@h/d"   # another
TOKEN='a b # no comment'
PLAIN=x y # comment
EXPANDED=${HOME}/$USER

EMPTY=
PEM="-----BEGIN KEY-----
abc=
-----END KEY-----"
AFTER=1
"""


def read(content: bytes) -> list[tuple[int, str, str]]:
    return [(found.line, found.name, found.value) for found in variables(content)]


def test_quotes_comments_and_several_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable with the line that it begins on; nothing is taken from the environment."""
    monkeypatch.setenv("HOME", "not in here")
    assert read(FILE) == [
        (3, "DB_URL", "postgres://u:p@h/d"),
        (4, "TOKEN", "a b # no comment"),
        (5, "PLAIN", "x y"),
        (6, "EXPANDED", "${HOME}/$USER"),
        (8, "EMPTY", ""),
        (9, "PEM", "-----BEGIN KEY-----\nabc=\n-----END KEY-----"),
        (12, "AFTER", "1"),
    ]
    assert read(FILE.replace(b"\n", b"\r\n"))[0][0] == 3
    assert read(b"\xef\xbb\xbfA=1") == [(1, "A", "1")]


@pytest.mark.parametrize(
    ("malformed", "line"),
    [
        (b"A=1\n\nhunter2\nB=2", 3),
        (b'A="hunter2\nB=2', 1),
        (b"A=1\n=hunter2", 2),
        (b"KEY=-----BEGIN KEY-----\nhunter2\nhunter2=\n", 2),
        (b"A=1\nhunter2/hunter2==\n", 2),
        (b"'hunter 2'=1\n", 1),
        (b"A=1\nB=hunter2\xff", 2),
    ],
)
def test_nothing_after_a_malformed_line_is_read(malformed: bytes, line: int) -> None:
    """It may be a part of a value, as what follows may be: neither is quoted."""
    with pytest.raises(Unreadable) as caught:
        read(malformed)
    assert caught.value.line == line
    assert "hunter" not in str(caught.value)
