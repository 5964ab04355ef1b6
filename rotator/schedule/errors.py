"""What this room raises about an expression or a duration that it refuses."""


class ScheduleError(ValueError):
    """A schedule expression, a window duration or a time zone is not one that can be used.

    Attributes:
        field: which part is wrong: `minutes`, `hours`, `day-of-month`, `month`, `day-of-week`,
            `year`, `value`, `unit`, `expression` (the whole of it), `duration` or `timezone`.
        message: for people: the field, what is wrong with it and what is allowed.
        position: where in the text the wrong part begins, counted from 0, to put a caret under it.

    """

    def __init__(self, reason: str, *, field: str, position: int) -> None:
        self.field = field
        self.message = f"{field}: {reason}"
        self.position = position
        super().__init__(self.message)
