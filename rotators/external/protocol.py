"""What passes between the engine and a program or an endpoint: one JSON object there, one back. Pure.

The format is a contract; docs/plugins.md describes it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rotator.sdk import Candidate, Preflight, Proof, Rotation, SecretValue, StepError, Use
from rotator.sdk.errors import step_error_from_wire

PROTOCOL = 1
"""Grows where what is sent or expected changes its meaning; further fields may come without that."""

LARGEST_ANSWER = 1024 * 1024
"""Bytes: more than a value of the largest size with every character escaped."""

KEPT_ERRORS = 8192
"""Bytes: the last ones that a program wrote to its standard error stream."""

_LONGEST_TEXT = 2000


class ExternalBug(Exception):
    """The program or endpoint did not keep to the protocol: a change may have happened."""


def request(
    verb: str,
    rotation: Rotation,
    *,
    candidate: Candidate | None = None,
    uses: Sequence[Use] | None = None,
) -> bytes:
    """The request for a verb, as JSON in UTF-8.

    Args:
        candidate: the value that `probe` and `log_in` are to try.
        uses: the sessions that `end_use` is to end.
    """
    sent: dict[str, Any] = {
        "protocol": PROTOCOL,
        "verb": verb,
        "secret": {"name": rotation.secret_name, "arn": rotation.secret_arn},
        "rotation": {
            "id": rotation.rotation_id,
            "token": rotation.token,
            "fencing": rotation.fencing,
            "attempt": rotation.attempt,
            "strictness": rotation.strictness,
            "session_tag": rotation.session_tag,
        },
        "seconds": round(max(0.0, rotation.remaining()), 3),
        "overlap": rotation.overlap,
        "require_overlap": rotation.require_overlap,
        "allow_privileged": rotation.allow_privileged,
        "allow_other_server": rotation.allow_other_server,
        "live": rotation.live,
        "values": {str(name): value.to_wire() for name, value in rotation.values.items()},
        "left_over": [value.to_wire() for value in rotation.left_over],
        "admin": None if rotation.admin is None else rotation.admin.to_wire(),
        "authority": asdict(rotation.authority),
        "settings": rotation.settings.to_mapping(),
    }
    if candidate is not None:
        sent["candidate"] = candidate
    if uses is not None:
        sent["uses"] = [use.to_wire() for use in uses]
    return json.dumps(sent, ensure_ascii=False).encode()


def answer(verb: str, content: bytes) -> dict[str, Any]:
    """The object that was answered to a verb; {} for nothing at all.

    Raises:
        StepError: the answer is an error.
        ExternalBug: it is no JSON object. Nothing of it is quoted: it may hold a value.
    """
    found = parsed(content)
    if found is None:
        raise ExternalBug(f"the answer to {verb} is no JSON object")
    if "error" in found:
        raise failure(str(found["error"]), found)
    return found


def parsed(content: bytes) -> dict[str, Any] | None:
    """The JSON object in `content`, {} where that is blank, None where it is something else."""
    if not content.strip():
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def failure(kind: str, told: Mapping[str, Any], *, otherwise: str = "") -> StepError:
    """The error of that class, with the `message` and `hint` that were told, cut to a length that can be read.

    Args:
        kind: the name of one of the SDK's classes; any other counts as an unknown outcome.
        otherwise: the message where none was told.
    """
    message = _text(told.get("message")) or _text(otherwise) or "no reason was given"
    return step_error_from_wire(
        {"error": kind, "message": message, "hint": _text(told.get("hint")) or None}
    )


def preflight_in(found: Mapping[str, Any]) -> Preflight:
    """The answer to `preflight`.

    Raises:
        ExternalBug: it is not of its form.
    """
    try:
        return Preflight.from_wire(
            {
                "overlap": found["overlap"],
                "findings": [
                    {
                        "level": finding["level"],
                        "message": _text(finding["message"]),
                        "remedy": _text(finding.get("remedy")) or None,
                    }
                    for finding in found.get("findings", ())
                ],
                "changes": tuple(_text(change) for change in found.get("changes", ())),
            }
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ExternalBug(
            'the answer to preflight lacks "overlap" (dual, alternating, gap or none), or has findings '
            'without "level" (ok, warning or refusal) and "message"'
        ) from None


def value_in(found: Mapping[str, Any]) -> SecretValue:
    """The answer to `create_secret`.

    Raises:
        ExternalBug: it is not of its form.
    """
    value = found.get("value")
    try:
        if isinstance(value, dict) and all(isinstance(part, str) for part in value.values()):
            return SecretValue.from_wire(value)
    except ValueError:
        pass
    raise ExternalBug(
        'the answer to create_secret lacks "value": {"string": …} or {"binary": base64}'
    )


def proof_in(found: Mapping[str, Any]) -> Proof:
    """The answer to `probe`.

    Raises:
        ExternalBug: it is not of its form.
    """
    try:
        return Proof(found["proof"])
    except (KeyError, ValueError, TypeError):
        raise ExternalBug('the answer lacks "proof": accepted or refused') from None


def uses_in(found: Mapping[str, Any]) -> tuple[Use, ...]:
    """The answer to `in_use`.

    Raises:
        ExternalBug: it is not of its form.
    """
    try:
        return tuple(
            Use(
                user=_text(use["user"]),
                client=_text(use["client"]),
                detail=_text(use.get("detail")),
            )
            for use in found["uses"]
        )
    except (KeyError, TypeError, AttributeError):
        raise ExternalBug(
            'the answer to in_use lacks "uses", a list of {"user": …, "client": …}'
        ) from None


def _text(told: object) -> str:
    text = "" if told is None else " ".join(str(told).split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} …"
