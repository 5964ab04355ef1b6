"""Rotation functions: files on this machine, and where those of others are invoked. Pure.

Only here, and by a command on this machine, can a file be named: whoever may set a rotation chooses one of them by its
name; letting that person name any file would let them run it as the user of the daemon.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rotator.config.declared import NAME
from rotator.errors import ConfigurationError

_SECONDS = {"low": 1.0, "high": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """A Python file with a `lambda_handler`.

    Attributes:
        file: its absolute path.
        interpreter: absolute path of the Python that has what it imports; None: the one that runs rotator.
        environment: names of variables that it gets besides PATH, HOME and their like.
        timeout: seconds for each step.
    """

    file: str
    interpreter: str | None = None
    environment: tuple[str, ...] = ()
    timeout: float = field(default=30.0, metadata=_SECONDS)

    def options(self) -> dict[str, Any]:
        """What its invoker is made with, besides the name."""
        return {
            "file": self.file,
            "interpreter": self.interpreter,
            "environment": self.environment,
            "timeout": self.timeout,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaSettings:
    """Where functions are invoked that are named by an ARN and stand for no rotator here; nowhere without endpoint or
    region.

    Attributes:
        endpoint: of the Lambda API; None: AWS's own.
        region: that requests are signed for; None: the one in the ARN.
        access_key_id: of the credentials that may invoke them; None: where AWS's SDKs look for some.
    """

    endpoint: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False, metadata={"secret": True})
    session_token: str | None = field(default=None, repr=False, metadata={"secret": True})

    @property
    def is_configured(self) -> bool:
        """Whether functions are invoked at all."""
        return self.endpoint is not None or self.region is not None

    def options(self) -> dict[str, Any]:
        """What the invoker of a function is made with, besides its ARN."""
        return {
            "endpoint": self.endpoint,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
            "session_token": self.session_token,
        }


def check_functions(
    functions: Mapping[str, FunctionSettings],
    elsewhere: LambdaSettings,
    *,
    taken: Mapping[str, object],
) -> None:
    """What must hold for functions.

    Args:
        taken: names that other declared rotators have.

    Raises:
        ConfigurationError: with the key and the reason.
    """
    for name, function in functions.items():
        check_function(f"functions.{name}", name, function)
        if name in taken:
            raise ConfigurationError(
                f"functions.{name}: there is a command or webhook of this name too. Give one of them another."
            )
    if elsewhere.endpoint is not None and not _is_url(elsewhere.endpoint):
        raise ConfigurationError("lambda.endpoint: expected a URL, such as https://HOST:PORT.")
    if (elsewhere.access_key_id is None) != (elsewhere.secret_access_key is None):
        raise ConfigurationError(
            "lambda.access_key_id and lambda.secret_access_key: give both of them, or none."
        )


def check_function(key: str, name: str, function: FunctionSettings) -> None:
    """What must hold for a function.

    Raises:
        ConfigurationError: with the key and the reason.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(f"{key}: a name has letters, digits, - and _, 64 at most.")
    for what, path in (("file", function.file), ("interpreter", function.interpreter)):
        if path is not None and not path.startswith("/"):
            raise ConfigurationError(f"{key}.{what}: expected an absolute path, not {path}.")
    for variable in function.environment:
        if variable.startswith(("ROTATOR_", "AWS_")):
            raise ConfigurationError(
                f"{key}.environment: {variable} is a setting of rotator's own or of AWS's SDKs, which a function gets "
                "credentials of its own for. Leave it out."
            )


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
