"""The grammar that the cron fields share: values, lists, ranges and increments."""

from dataclasses import dataclass

from rotator.schedule.errors import ScheduleError

MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the expression, in capitals, and where it begins there."""

    text: str
    position: int

    def split(self, separator: str) -> list["Token"]:
        """Its pieces between the separators, each with its own position."""
        pieces = []
        position = self.position
        for text in self.text.split(separator):
            pieces.append(Token(text, position))
            position += len(text) + len(separator)
        return pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What is allowed in one field of a cron expression.

    Attributes:
        name: the field's name in AWS's documentation, lower case.
        low: the smallest number.
        high: the largest number.
        names: what `low`, `low + 1` and so on may be called instead.
        has_lists: whether `*`, lists and ranges are allowed.
        smallest_step: the smallest increment.
        allowed: for people: all that may stand there.

    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    has_lists: bool = True
    smallest_step: int = 1
    allowed: str

    def error(self, reason: str, *, at: Token) -> ScheduleError:
        """What is wrong in this field, with what is allowed."""
        return ScheduleError(
            f"{reason}; allowed: {self.allowed}", field=self.name, position=at.position
        )

    def value(self, token: Token) -> int:
        """One number or name as a number.

        Raises:
            ScheduleError: it is neither, or out of range.

        """
        if token.text in self.names:
            return self.low + self.names.index(token.text)
        if not token.text.isdigit():
            raise self.error(
                f"{token.text!r} is not a value" if token.text else "a value is missing", at=token
            )
        number = int(token.text)
        if not self.low <= number <= self.high:
            raise self.error(f"{number} is out of range", at=token)
        return number

    def values(self, token: Token) -> tuple[int, ...]:
        """All numbers that the field matches, ascending.

        Raises:
            ScheduleError: the field isn't one that AWS documents.

        """
        if self.has_lists and token.text == "*":
            return tuple(range(self.low, self.high + 1))
        terms = token.split(",")
        if not self.has_lists and len(terms) > 1:
            raise self.error("a list is not allowed", at=terms[1])
        return tuple(sorted({number for term in terms for number in self._term(term)}))

    def _term(self, term: Token) -> range:
        base, *steps = term.split("/")
        if len(steps) > 1:
            raise self.error("more than one '/'", at=steps[1])
        if not steps:
            first, last = self._span(base)
            return range(first, (first if last is None else last) + 1)
        if not base.text or (self.has_lists and base.text == "*"):
            return range(self.low, self.high + 1, self._step(steps[0]))
        first, last = self._span(base)
        return range(first, (self.high if last is None else last) + 1, self._step(steps[0]))

    def _span(self, token: Token) -> tuple[int, int | None]:
        """The ends of a range, or a single value and None."""
        first, *rest = token.split("-")
        if not rest:
            return self.value(first), None
        if not self.has_lists:
            raise self.error("a range is not allowed", at=token)
        if len(rest) > 1:
            raise self.error("more than one '-'", at=rest[1])
        low, high = self.value(first), self.value(rest[0])
        if low > high:
            raise self.error(f"the range {token.text} runs backwards", at=token)
        return low, high

    def _step(self, token: Token) -> int:
        if not token.text.isdigit():
            raise self.error(f"{token.text!r} is not an increment", at=token)
        step = int(token.text)
        if not self.smallest_step <= step <= self.high:
            raise self.error(
                f"the increment {step} is not from {self.smallest_step} to {self.high}", at=token
            )
        return step


MINUTES = Field(
    name="minutes",
    low=0,
    high=59,
    allowed="0 to 59, lists (0,30), ranges (0-10), increments (0/15) or * (every minute)",
)
HOURS_OF_AWS = Field(
    name="hours",
    low=0,
    high=23,
    has_lists=False,
    smallest_step=4,
    allowed="one hour from 0 to 23, or an increment of at least four hours such as 8/8 or /8",
)
HOURS = Field(
    name="hours",
    low=0,
    high=23,
    allowed="0 to 23, lists (8,20), ranges (8-18), increments (0/6) or * (every hour)",
)
DAY_OF_MONTH = Field(
    name="day-of-month",
    low=1,
    high=31,
    allowed="days from 1 to 31, lists (1,15), ranges (1-15), increments (1/2), "
    "L (last day), SUNL (last Sunday), * (every day) or ? (see day-of-week)",
)
MONTH = Field(
    name="month",
    low=1,
    high=12,
    names=MONTH_NAMES,
    allowed="1 to 12 or JAN to DEC, lists (JAN,JUL), ranges (1-3), increments (1/3) "
    "or * (every month)",
)
DAY_OF_WEEK = Field(
    name="day-of-week",
    low=1,
    high=7,
    names=WEEKDAY_NAMES,
    allowed="1 (Sunday) to 7 (Saturday) or SUN to SAT, lists (1,4), ranges (MON-FRI), "
    "increments (1/2), L (Saturday), SUNL (last Sunday of the month), TUE#3 (third Tuesday), "
    "* (every day) or ? (see day-of-month)",
)
YEAR = Field(
    name="year",
    low=1970,
    high=2199,
    allowed="1970 to 2199, lists (2027,2029), ranges (2027-2030), increments (2027/2) or * (every year)",
)
