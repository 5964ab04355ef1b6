"""A proof at a glance: so many columns of equal time, each with the logins, failures and rotations in it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rotator.rotation.prove.logins import ClientKind, Login, Outcome

_BARS = "▁▂▃▄▅▆▇█"
_FAILED = "✗"
_NONE = " "
_ROTATED = "R"
_RETIRED = "r"
_QUIET = "·"


@dataclass(slots=True)
class _Column:
    logins: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the timeline."""

    name: str
    cells: str


@dataclass(slots=True)
class Timeline:
    """Begins with the first login and grows: when the columns are full, two become one, and each holds twice the time.

    Attributes:
        columns: the most that there are; even.
        width: seconds that a column holds.
    """

    columns: int = 60
    width: float = 0.1
    _began: float | None = None
    _logins: dict[ClientKind, list[_Column]] = field(default_factory=dict)
    _marks: dict[int, str] = field(default_factory=dict)

    def take(self, login: Login) -> None:
        """Adds a login to the column in which it ended."""
        if self._began is None:
            self._began = login.began
        at = self._place(login.ended)
        row = self._logins.setdefault(login.kind, [])
        while len(row) <= at:
            row.append(_Column())
        if login.outcome is Outcome.ACCEPTED:
            row[at].logins += 1
        else:
            row[at].failures += 1

    def rotated(self, began: float, ended: float) -> None:
        """Marks the columns in which a rotation ran."""
        last = self._place(ended)
        for column in range(self._place(began), last + 1):
            self._marks[column] = _ROTATED

    def retired(self, at: float) -> None:
        """Marks the column in which an old credential was retired, unless a rotation ran in it."""
        self._marks.setdefault(self._place(at), _RETIRED)

    def rows(self) -> tuple[Row, ...]:
        """A line for each kind of client, whose bars are relative to its fullest column, and one for the rotations."""
        length = max(
            [len(row) for row in self._logins.values()] + [at + 1 for at in self._marks], default=0
        )
        rows = [
            Row(name=kind, cells="".join(_cells(self._logins[kind], length)))
            for kind in ClientKind
            if kind in self._logins
        ]
        marks = "".join(self._marks.get(column, _QUIET) for column in range(length))
        return (*rows, Row(name="rotation", cells=marks))

    def _place(self, at: float) -> int:
        began = at if self._began is None else self._began
        while (column := max(0, int((at - began) / self.width))) >= self.columns:
            self._halve()
        return column

    def _halve(self) -> None:
        self.width *= 2
        for kind, row in self._logins.items():
            pairs = zip(row[::2], [*row[1::2], _Column()], strict=False)
            self._logins[kind] = [
                _Column(a.logins + b.logins, a.failures + b.failures) for a, b in pairs
            ]
        marks: dict[int, str] = {}
        for column, mark in self._marks.items():
            if marks.get(column // 2) != _ROTATED:
                marks[column // 2] = mark
        self._marks = marks


def _cells(row: list[_Column], length: int) -> Iterable[str]:
    fullest = max((column.logins for column in row), default=0)
    for column in row:
        if column.failures:
            yield _FAILED
        elif column.logins:
            yield _BARS[(column.logins * len(_BARS) - 1) // fullest]
        else:
            yield _NONE
    yield _NONE * (length - len(row))
