"""Moments as people give them: a date, a time, or how long ago."""

import re
from datetime import datetime, timedelta

from rotator.errors import InvalidParameter

_AGO = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(given: str, *, option: str, now: datetime) -> datetime:
    """The moment that an option names: `2026-03-01`, `2026-03-01T12:00`, both in the local zone, or `90d` ago.

    Raises:
        InvalidParameter: it is neither.
    """
    try:
        if _AGO.fullmatch(given):
            return parse_ago(given, option=option, now=now)
        return datetime.fromisoformat(given).astimezone()
    except (ValueError, OverflowError):
        raise InvalidParameter(
            f"{option} takes a date or time such as 2026-03-01 or 2026-03-01T12:00, or how long ago: 30m, 12h, 90d, 2w."
        ) from None


def parse_ago(given: str, *, option: str, now: datetime) -> datetime:
    """The moment a span ago, such as `90d`.

    Raises:
        InvalidParameter: it is no span, or one longer than time goes back.
    """
    ago = _AGO.fullmatch(given)
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])})
    except OverflowError:
        pass
    raise InvalidParameter(f"{option} takes a span such as 30m, 12h, 90d or 2w.")
