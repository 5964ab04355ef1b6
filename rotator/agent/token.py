"""The token that who reads from the agent has to show."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rotator.errors import ConfigurationError

VARIABLES: Final = ("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
"""Looked for in this order, as AWS's agent does."""
_FILE: Final = "file://"


def read_token(environ: Mapping[str, str]) -> str:
    """The token, from the first of the variables that is set; it may name a file: `file:///run/rotator/token`.

    Raises:
        ConfigurationError: there is none, it is empty, or the file can't be read.
    """
    for name in VARIABLES:
        given = environ.get(name)
        if given:
            return _token(name, given)
    raise ConfigurationError(
        f"There is no token that applications can show. Set {VARIABLES[0]} to one, or to file:///PATH of a file with "
        "one, which those applications can read too."
    )


def _token(name: str, given: str) -> str:
    if not given.startswith(_FILE):
        return given
    path = Path(given.removeprefix(_FILE))
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(f"{name}: the file {path} can't be read: {why}.") from None
    if not token:
        raise ConfigurationError(f"{name}: the file {path} is empty. Put a random text into it.")
    return token
