"""What conditions of policies mean. Pure.

Operators: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Protocol

from rotator.model.policy_values import binary, moment, network, number

_KEPT = 4096
_SETS = ("ForAllValues:", "ForAnyValue:")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_WITH_DEFAULT = re.compile(r"([^,]+?)\s*(?:,\s*'([^']*)')?")
_ESCAPES = ("*", "?", "$")


class Context(Protocol):
    """What conditions may ask about one request."""

    def get(self, key: str) -> Sequence[str]:
        """The values of a key, given in lower case; none where the request has no such key."""
        ...


def hold(
    conditions: Mapping[str, Mapping[str, Sequence[str]]], context: Context, *, variables: bool
) -> bool:
    """Whether all conditions of a statement hold.

    Args:
        conditions: operator → key → values.
        variables: whether `${…}` in values means a key of the request.
    """
    return all(
        _holds(operator, values, context.get(key.lower()), context if variables else None)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(
    operator: str, wanted: Sequence[str], given: Sequence[str], variables: Context | None
) -> bool:
    of_set = next((each for each in _SETS if operator.startswith(each)), "")
    name = operator.removeprefix(of_set)
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    if name == "Null":
        return any((value.lower() == "true") == (not given) for value in wanted)
    negated = "Not" in name
    if not given:
        return if_exists or of_set == _SETS[0] or (negated and not of_set)
    compare = _OPERATORS[name.replace("Not", "", 1)]

    def fits(value: str) -> bool:
        return any(compare(each, value, variables) for each in wanted) is not negated

    quantified = all if of_set == _SETS[0] or (negated and not of_set) else any
    return quantified(fits(value) for value in given)


def like(pattern: str, text: str, variables: Context | None, *, ignore_case: bool = False) -> bool:
    """Whether a text fits a pattern with `*` and `?`, and with variables where there are any.

    A pattern with a variable that the request has not, or has several values of, fits nothing.
    """
    if variables is not None and "${" in pattern:
        pieces = _with_variables(pattern, variables)
        return pieces is not None and _fits(_compiled(pieces, ignore_case=ignore_case), text)
    return _plain(pattern, ignore_case)(text)


def like_arn(pattern: str, arn: str, variables: Context | None) -> bool:
    """Whether an ARN fits a pattern, part by part: a wildcard doesn't reach over a colon, but in the last part.

    Parts that the pattern leaves out at its end may be anything:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    if len(of_arn := arn.split(":", 5)) < 6:
        return like(pattern, arn, variables)
    if variables is not None and "${" in pattern:
        parts = _parts(pattern)
        return all(like(each, part, variables) for each, part in zip(parts, of_arn, strict=True))
    return all(fits(part) for fits, part in zip(_matchers(pattern), of_arn, strict=True))


@lru_cache(_KEPT)
def _matchers(pattern: str) -> Sequence[Callable[[str], bool]]:
    """What tells of each part of an ARN whether it fits a pattern without variables."""
    return [_plain(part, False) for part in _parts(pattern)]


@lru_cache(_KEPT)
def _parts(pattern: str) -> Sequence[str]:
    """The six parts of a pattern for ARNs; a colon within a variable parts nothing."""
    hidden = _VARIABLE.sub(lambda found: found[0].replace(":", "\0"), pattern)
    parts = [part.replace("\0", ":") for part in hidden.split(":", 5)]
    return parts + ["*"] * (6 - len(parts))


_Piece = tuple[str, bool]
"""A text, and whether `*` and `?` in it are wildcards."""
_Segments = Sequence[tuple[re.Pattern[str], int]]
"""What stands between the stars of a pattern, each with its length."""


@lru_cache(_KEPT)
def _plain(pattern: str, ignore_case: bool) -> Callable[[str], bool]:
    """What tells whether a text fits a pattern without variables."""
    if pattern == "*":
        return _anything
    if not (ignore_case or "*" in pattern or "?" in pattern):
        return pattern.__eq__
    return partial(_fits, _compiled([(pattern, True)], ignore_case=ignore_case))


def _anything(_: str) -> bool:
    return True


def _compiled(pieces: Sequence[_Piece], *, ignore_case: bool) -> _Segments:
    segments, lengths = [""], [0]
    for text, wildcards in pieces:
        for character in text:
            if wildcards and character == "*":
                segments.append("")
                lengths.append(0)
            else:
                anything = wildcards and character == "?"
                segments[-1] += "." if anything else re.escape(character)
                lengths[-1] += 1
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else re.NOFLAG)
    made = [re.compile(segment, flags) for segment in segments]
    return list(zip(made, lengths, strict=True))


def _fits(segments: _Segments, text: str) -> bool:
    """Each segment where it fits first: unlike one regular expression it never has to try again."""
    first, last = segments[0], segments[-1]
    if len(segments) == 1:
        return first[0].fullmatch(text) is not None
    at, end = first[1], len(text) - last[1]
    if end < at or first[0].match(text) is None or last[0].fullmatch(text, end) is None:
        return False
    for segment, length in segments[1:-1]:
        found = segment.search(text, at, end)
        if found is None:
            return False
        at = found.start() + length
    return True


def _with_variables(pattern: str, variables: Context) -> Sequence[_Piece] | None:
    """The pieces of a pattern, its variables as plain text; None where one has no value."""
    pieces: list[_Piece] = []
    last = 0
    for found in _VARIABLE.finditer(pattern):
        literal = _value(found[1], variables)
        if literal is None:
            return None
        pieces += [(pattern[last : found.start()], True), (literal, False)]
        last = found.end()
    return [*pieces, (pattern[last:], True)]


def _value(variable: str, variables: Context) -> str | None:
    if variable in _ESCAPES:
        return variable
    parted = _WITH_DEFAULT.fullmatch(variable.strip())
    if parted is None:
        return None
    given = variables.get(parted[1].lower())
    return given[0] if len(given) == 1 else (parted[2] if not given else None)


def _equal(
    wanted: str, given: str, variables: Context | None, *, ignore_case: bool = False
) -> bool:
    if variables is not None and "${" in wanted:
        pieces = _with_variables(wanted, variables)
        if pieces is None:
            return False
        wanted = "".join(text for text, _ in pieces)
    return wanted.lower() == given.lower() if ignore_case else wanted == given


def _equal_ignoring_case(wanted: str, given: str, variables: Context | None) -> bool:
    return _equal(wanted, given, variables, ignore_case=True)


def _bool(wanted: str, given: str, _: Context | None) -> bool:
    return wanted.lower() == given.lower()


def _binary(wanted: str, given: str, _: Context | None) -> bool:
    content = binary(wanted)
    return content is not None and content == binary(given)


def _in_network(wanted: str, given: str, _: Context | None) -> bool:
    addresses = network(wanted)
    try:
        return addresses is not None and ip_address(given) in addresses
    except ValueError:
        return False


def _ordered(
    read: Callable[[str], Decimal | datetime | None], fits: Callable[[int], bool]
) -> Callable[[str, str, Context | None], bool]:
    """Compares the given one with the wanted one: `fits` is told -1, 0 or 1."""

    def compare(wanted: str, given: str, _: Context | None) -> bool:
        one, other = read(given), read(wanted)
        if one is None or other is None:
            return False
        return fits((one > other) - (one < other))  # type: ignore[operator]  # both are of one kind

    return compare


_ORDERS: Mapping[str, Callable[[int], bool]] = {
    "Equals": lambda order: order == 0,
    "LessThan": lambda order: order < 0,
    "LessThanEquals": lambda order: order <= 0,
    "GreaterThan": lambda order: order > 0,
    "GreaterThanEquals": lambda order: order >= 0,
}
# Without the negated ones, which are the opposite.
_OPERATORS: Mapping[str, Callable[[str, str, Context | None], bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "StringLike": like,
    "ArnEquals": like_arn,
    "ArnLike": like_arn,
    "Bool": _bool,
    "BinaryEquals": _binary,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _ordered(number, fits) for name, fits in _ORDERS.items()},
    **{f"Date{name}": _ordered(moment, fits) for name, fits in _ORDERS.items()},
}
