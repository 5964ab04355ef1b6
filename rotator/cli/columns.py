"""How wide the columns of a table are, so that as few words as can be are broken. Pure."""

from collections.abc import Sequence

_SHORTEST = 8  # characters of a word that is broken


def column_widths(columns: Sequence[Sequence[str]], *, room: int) -> list[int]:
    """The width of each column: of its longest line where all have room, else of its longest word and what is left.

    Where not even the longest words have room together the widest columns give way.

    Args:
        columns: the cells of each, with the header.
        room: characters for all of them.
    """
    wanted = [max(_longest(cell.splitlines()) for cell in cells) for cells in columns]
    widths = [max(_longest(cell.split()) for cell in cells) for cells in columns]
    while sum(widths) > room and max(widths) > _SHORTEST:
        widths[widths.index(max(widths))] -= 1
    for _ in range(room - sum(widths)):
        # What makes a row high gets what is left, bit by bit.
        lines = [wish / width for wish, width in zip(wanted, widths, strict=True)]
        if max(lines) > 1:
            widths[lines.index(max(lines))] += 1
    return widths


def _longest(parts: Sequence[str]) -> int:
    return max(map(len, parts), default=1)
