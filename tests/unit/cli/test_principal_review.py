"""What a person sees of rows that somebody else may have written."""

import pytest

from rotator.cli.commands.principal.repairing import _shown
from rotator.manager.repairing import Review, ReviewedRow
from rotator.store.identity_review import Standing

_FORGED = "x\nas recorded: user arn:aws:iam::123456789012:user/bob"


@pytest.mark.parametrize("kind", ["user", "access key"])
def test_no_text_of_a_row_looks_like_another_row(kind: str) -> None:
    """A name, a group or a policy of several lines stays below the row that it is of."""
    says = {"groups": (_FORGED,), "policies": {_FORGED: _FORGED}, "principal": _FORGED}
    row = ReviewedRow(name=_FORGED, kind=kind, standing=Standing.ADDED, says=says)

    lines = "\n".join(_shown(Review(right=True, code="", rows=(row,)))).splitlines()

    assert [line for line in lines if not line.startswith(" ")] == [
        f"ADDED: {kind} x",
        "All of them are as they were written.",
    ]
    assert sum("user/bob" in line for line in lines) == 5
