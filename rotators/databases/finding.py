"""The findings of a preflight. Pure."""

from collections.abc import Iterable

from rotator.sdk import Finding, Level


def refusal(message: str, remedy: str | None = None) -> Finding:
    """A finding that stops the rotation."""
    return Finding(level=Level.REFUSAL, message=message, remedy=remedy)


def warning(message: str, remedy: str | None = None) -> Finding:
    """A finding that doesn't."""
    return Finding(level=Level.WARNING, message=message, remedy=remedy)


def ok(message: str) -> Finding:
    """Something that preflight looked at and found well."""
    return Finding(level=Level.OK, message=message)


def refused(found: Iterable[Finding]) -> bool:
    """Whether one of them stops the rotation, so that looking further is of no use."""
    return any(finding.level is Level.REFUSAL for finding in found)
