"""How wide the columns of a table are."""

from hypothesis import given
from hypothesis import strategies as st

from rotator.cli.columns import column_widths

_cells = st.lists(
    st.lists(st.text("abcde", max_size=20), max_size=6).map(" ".join), min_size=1, max_size=5
)


@given(columns=st.lists(_cells, min_size=1, max_size=5), room=st.integers(1, 120))
def test_words_stay_whole_where_they_have_room(columns: list[list[str]], room: int) -> None:
    """No column is wider than its longest line; where all longest words have room together none is broken, and the
    table is no wider than there is room unless even short pieces of words are too many.
    """
    widths = column_widths(columns, room=room)
    longest = [
        max(len(word) for cell in cells for word in [*cell.split(), " "]) for cells in columns
    ]
    wanted = [max(len(cell) for cell in [*cells, " "]) for cells in columns]
    assert all(width <= wish for width, wish in zip(widths, wanted, strict=True))
    if sum(longest) <= room:
        assert all(width >= least for width, least in zip(widths, longest, strict=True))
    if room >= 8 * len(columns):
        assert sum(widths) <= room
    if sum(wanted) <= room:
        assert widths == wanted


def test_what_makes_a_row_high_gets_what_is_left() -> None:
    """A long text beside a name leaves the name on one line, and takes the rest."""
    columns = [["NAME", "postgresql-single-user"], ["MEANING", "many short words " * 9]]
    assert column_widths(columns, room=60) == [22, 38]
