"""Policies judged anew, by one who reads them off the page: shares no code with `rotator.access`.

It takes JSON as it is, walks through it with plain recursion, and knows only what the tests' policies are made of.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def globbed(pattern: str, text: str) -> bool:
    """`*` and `?` by recursion; brackets mean themselves."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return globbed(pattern[1:], text) or (bool(text) and globbed(pattern, text[1:]))
    return bool(text) and pattern[0] in {"?", text[0]} and globbed(pattern[1:], text[1:])


def arn_globbed(pattern: str, arn: str) -> bool:
    if pattern == "*":
        return True
    left, right = pattern.split(":", 5), arn.split(":", 5)
    return len(left) == len(right) and all(
        globbed(one, other) for one, other in zip(left, right, strict=True)
    )


def condition_holds(  # noqa: C901  # a line an operator
    operator: str, wanted: Sequence[str], given: Sequence[str]
) -> bool:
    if operator == "Null":
        return ("true" in wanted and not given) or ("false" in wanted and bool(given))
    every = operator.startswith("ForAllValues:")
    some = operator.startswith("ForAnyValue:")
    plain = operator.rsplit(":", maxsplit=1)[-1]
    lenient = plain.endswith("IfExists")
    plain = plain.replace("IfExists", "")
    if not given:
        if lenient or every:
            return True
        return not some and plain in {"StringNotEquals", "StringNotLike", "NumericNotEquals"}

    def one(value: str) -> bool:
        if plain == "StringEquals":
            return value in wanted
        if plain == "StringNotEquals":
            return value not in wanted
        if plain == "StringLike":
            return any(fnmatchcase(value, each) for each in wanted)
        if plain == "StringNotLike":
            return not any(fnmatchcase(value, each) for each in wanted)
        if plain == "NumericLessThan":
            return any(float(value) < float(each) for each in wanted)
        assert plain == "NumericNotEquals", plain
        return all(float(value) != float(each) for each in wanted)

    hits = [one(value) for value in given]
    if every or (not some and "Not" in plain):
        return all(hits)
    return any(hits)


def speaks(statement: Mapping[str, Any], asker: Mapping[str, str]) -> str:
    """Either "me", "account" or "nobody"."""
    negated = "NotPrincipal" in statement
    said = statement["NotPrincipal" if negated else "Principal"]
    names = ["*"] if said == "*" else listed(said.get("AWS", []))
    me = "*" in names or asker["arn"] in names
    account = asker["account"] in names or f"arn:aws:iam::{asker['account']}:root" in names
    if negated:
        return "nobody" if me or account else "me"
    return "me" if me else "account" if account else "nobody"


def applies(statement: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    for name, ask, fits in (
        ("Action", asked["action"].lower(), lambda p, t: globbed(p.lower(), t)),
        ("Resource", asked["resource"], arn_globbed),
    ):
        negated = f"Not{name}" in statement
        patterns = listed(statement[f"Not{name}" if negated else name])
        if any(fits(pattern, ask) for pattern in patterns) is negated:
            return False
    context = {key.lower(): values for key, values in asked["context"].items()}
    return all(
        condition_holds(
            operator, [str(each) for each in listed(wanted)], context.get(key.lower(), [])
        )
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def allowed(
    identity: Sequence[Mapping[str, Any]],
    resource: Mapping[str, Any] | None,
    asked: Mapping[str, Any],
) -> bool:
    """Whether the asker may."""
    own = [each for policy in identity for each in policy["Statement"] if applies(each, asked)]
    others = [
        (each, speaks(each, asked["asker"]))
        for each in (resource or {"Statement": []})["Statement"]
        if applies(each, asked)
    ]
    others = [(each, to) for each, to in others if to != "nobody"]
    if any(each["Effect"] == "Deny" for each in [*own, *(each for each, _ in others)]):
        return False
    by_own = bool(own)
    if asked["asker"]["account"] == asked["account"]:
        return by_own or any(to == "me" for _, to in others)
    return by_own and bool(others)
