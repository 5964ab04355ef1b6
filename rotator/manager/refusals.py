"""The record that an operation leaves where it ends with an error: who asked for what, and why it was not done."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from rotator.errors import RotatorError, StoreUnavailable
from rotator.manager.call import Call
from rotator.store.notes import AuditEntry
from rotator.store.store import Store

P = ParamSpec("P")
T = TypeVar("T")


class _OnStore(Protocol):
    _store: Store


S = TypeVar("S", bound=_OnStore)

# What names a secret in one operation or another, and a version of it; what else is asked for.
_SECRET = ("secret_id", "name")
_VERSION = ("version_id", "client_request_token", "move_to_version_id")
_ASKED = ("key", "alias", "version_stage", "principal", "access_key_id", "policy_name")


def audited(
    event: str,
) -> Callable[[Callable[Concatenate[S, P], T]], Callable[Concatenate[S, P], T]]:
    """For an operation, whose `caller` and `request_id` are given by name: no error of it goes unrecorded.

    The record is committed, with those of other threads, before the caller learns of the error. An operation that
    has recorded its error itself leaves no second one.

    Args:
        event: the operation's name in the API.
    """

    def auditing(operation: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
        @wraps(operation)
        def watched(self: S, /, *args: P.args, **given: P.kwargs) -> T:
            try:
                return operation(self, *args, **given)
            except RotatorError as error:
                _record(event, error, given, self._store)
                raise

        return watched

    return auditing


def _record(event: str, error: RotatorError, given: Mapping[str, Any], store: Store) -> None:
    if not (error.recorded or isinstance(error, StoreUnavailable)):
        store.record(refusal(event, error, given))
        error.recorded = True


def refusal(event: str, error: RotatorError, given: Mapping[str, Any]) -> AuditEntry:
    """The record of an error that an operation has ended with.

    Args:
        event: the operation's name in the API.
        given: what it was given, by name.
    """
    call = Call(
        event=event,
        caller=given["caller"],
        request_id=given["request_id"],
        secret_id=_first(given, _SECRET),
    )
    asked = {name: given[name] for name in _ASKED if given.get(name) is not None}
    return call.refusal(error, version_id=_first(given, _VERSION), asked=asked)


def _first(given: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((given[name] for name in names if given.get(name) is not None), None)
