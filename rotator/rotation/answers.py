"""What a plugin may answer. An answer that is none of these is the plugin's bug, and is told without what it holds."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from rotator.sdk import (
    Authority,
    FailureKind,
    Finding,
    Level,
    OutcomeUnknown,
    Overlap,
    Preflight,
    Proof,
    SecretValue,
    StepError,
    Use,
)

LONGEST_VALUE = 65_536
"""Bytes. Source: AWS Secrets Manager quotas, "Size of an encrypted secret value"."""


class PluginBug(StepError):
    """The plugin raised something that is no `StepError`, or answered nonsense; the outcome is unknown."""

    kind = FailureKind.BUG


class NoAnswer(OutcomeUnknown):
    """The plugin's process died, or was killed at its deadline; the message is the house's own."""


class Nonsense(Exception):
    """A verb was answered with something else than its answer; the message says with what, but not its content."""


def checked(verb: str, answer: Any) -> Any:
    """The answer, where it is one that `verb` may give.

    Raises:
        Nonsense: it isn't.
    """
    wrong = _CHECKS.get(verb, _nothing)(answer)
    if wrong is not None:
        raise Nonsense(f"answered {verb} with {wrong}")
    return answer


def _nothing(answer: Any) -> str | None:
    return None if answer is None else f"{_kind(answer)}, where it answers nothing"


def _proof(answer: Any) -> str | None:
    return None if isinstance(answer, Proof) else f"{_kind(answer)} instead of a Proof"


def _value(answer: Any) -> str | None:
    if not isinstance(answer, SecretValue):
        return f"{_kind(answer)} instead of a SecretValue"
    try:
        raw = answer.string.encode() if answer.string is not None else answer.binary or b""
    except UnicodeEncodeError:
        return "a text that is no Unicode (half of a surrogate pair)"
    if not 1 <= len(raw) <= LONGEST_VALUE:
        return f"a value of {len(raw)} bytes; a secret's has 1 to {LONGEST_VALUE}"
    return None


def _authority(answer: Any) -> str | None:
    if not isinstance(answer, Authority):
        return f"{_kind(answer)} instead of an Authority"
    return (
        _unless(_is_text_or_none(answer.host), "host", answer.host)
        or _unless(_is_port(answer.port), "port", answer.port)
        or _unless(_is_text_or_none(answer.admin), "admin", answer.admin)
        or _unless(_all(answer.users, _is_text), "users", answer.users)
    )


def _preflight(answer: Any) -> str | None:
    if not isinstance(answer, Preflight):
        return f"{_kind(answer)} instead of a Preflight"
    return (
        _unless(isinstance(answer.overlap, Overlap), "overlap", answer.overlap)
        or _unless(_all(answer.findings, _is_finding), "findings", answer.findings)
        or _unless(_all(answer.changes, _is_text), "changes", answer.changes)
    )


def _uses(answer: Any) -> str | None:
    return None if _all(answer, _is_use) else f"{_kind(answer)} instead of a tuple of Use"


def _settings(answer: Any) -> str | None:
    sound = isinstance(answer, Mapping) and all(isinstance(name, str) for name in answer)
    return None if sound else f"{_kind(answer)} instead of a mapping of settings"


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "check_settings": _settings,
    "claims": _authority,
    "preflight": _preflight,
    "create_secret": _value,
    "probe": _proof,
    "log_in": _proof,
    "in_use": _uses,
}


def _unless(sound: bool, field: str, found: Any) -> str | None:
    return None if sound else f"a wrong {field} ({_kind(found)})"


def _kind(answer: Any) -> str:
    return f"a {type(answer).__name__}"


def _all(answer: Any, right: Callable[[Any], bool]) -> bool:
    return isinstance(answer, tuple) and all(map(right, answer))


def _is_text(answer: Any) -> bool:
    return isinstance(answer, str)


def _is_text_or_none(answer: Any) -> bool:
    return answer is None or isinstance(answer, str)


def _is_port(answer: Any) -> bool:
    if answer is None:
        return True
    return isinstance(answer, int) and not isinstance(answer, bool) and 1 <= answer <= 65535


def _is_finding(answer: Any) -> bool:
    if not isinstance(answer, Finding):
        return False
    texts = _is_text(answer.message) and _is_text_or_none(answer.remedy)
    return texts and isinstance(answer.level, Level)


def _is_use(answer: Any) -> bool:
    return isinstance(answer, Use) and all(
        isinstance(getattr(answer, each.name), str) for each in fields(answer)
    )
