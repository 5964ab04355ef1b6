"""What an operation of the API is: a name, and what is done with a request's members."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from rotator.errors import InvalidParameter, InvalidRequest
from rotator.manager.manager import SecretsManager
from rotator.manager.results import SecretName
from rotator.model.caller import Caller
from rotator.sdk import SecretValue

if TYPE_CHECKING:
    from rotator.api.rotations import Rotations

Given = Mapping[str, Any]
"""The members of a request, by their names in the API."""
Structure = dict[str, Any]
"""What is answered, to be encoded."""


class Who(TypedDict):
    """What every method of the manager is told of its caller."""

    caller: Caller
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What operations are done with."""

    manager: SecretsManager
    rotations: "Rotations"


@dataclass(frozen=True, slots=True)
class Held:
    """A read that a barrier holds back; it is to be tried again.

    Attributes:
        seconds: until the barrier falls at the latest.
    """

    seconds: float


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        perform: does it, or is held back.
        takes_token: a ClientRequestToken has to be given, which SDKs do by themselves.
    """

    name: str
    perform: Callable[[Rooms, Who, Given], Structure | Held]
    takes_token: bool = False


def named(found: SecretName) -> Structure:
    """The structure of what says only which secret it was."""
    return {"ARN": found.arn, "Name": found.name}


def value_of(given: Given) -> SecretValue | None:
    """The value in a request, None where there is none.

    Raises:
        InvalidParameter: there are two.
    """
    text, binary = given.get("SecretString"), given.get("SecretBinary")
    if text is not None and binary is not None:
        raise InvalidParameter(
            "You can't specify both a binary secret value and a string secret value in the same secret."
        )
    if text is not None:
        return SecretValue(string=text)
    return None if binary is None else SecretValue(binary=binary)


def tags_of(given: Given) -> dict[str, str] | None:
    """The tags in a request, None where there are none.

    Raises:
        InvalidParameter: one has no key, or a key comes twice.
    """
    tags = given.get("Tags")
    if tags is None:
        return None
    found: dict[str, str] = {}
    for tag in tags:
        key = tag.get("Key")
        if key is None or key in found:
            raise InvalidParameter(
                "A tag has no key. Give each tag a Key."
                if key is None
                else "The request contains duplicate tag keys. Remove the duplicates and try again."
            )
        found[key] = tag.get("Value", "")
    return found


def refuse(given: Given, *members: str, because: str) -> None:
    """Nothing, where none of the members is given, which mean something that there is not here.

    Raises:
        InvalidRequest: one is.
    """
    for member in members:
        if given.get(member):
            raise InvalidRequest(f"{member} can't be used here: {because}")
