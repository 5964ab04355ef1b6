"""The environment of a declared program."""

import os
from collections.abc import Iterable, Mapping

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


def passed_on(more: Iterable[str]) -> Mapping[str, str]:
    """The variables that every program needs, and those of these names, as far as they are set."""
    return {name: os.environ[name] for name in (*_PASSED_ON, *more) if name in os.environ}
