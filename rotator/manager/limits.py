"""The limits of the API's parameters, out of botocore's own model of the service: nothing is typed again here.

The model is read when a limit is first asked for, and botocore itself is never imported: both take longer than most
commands.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rotator.errors import ConfigurationError, ValidationError

_MODEL = Path("data", "secretsmanager", "2017-10-17", "service-2.json")
_IN_BYTES = frozenset({"SecretStringType"})
"""Texts that the model measures in characters and the service in bytes: quota "Size of a secret"."""
_NO_COLUMN_TAKES = re.compile("[\0\ud800-\udfff]")
_NO_ENCODING_TAKES = re.compile("[\ud800-\udfff]")


def check(operation: str, **parameters: object) -> None:
    """Nothing, where every parameter that is given (not None) keeps to the limits of its shape.

    Args:
        operation: its name in the API, as the parameters' names are: `check("CreateSecret", Description=...)`.

    Raises:
        ValidationError: with the real service's kind of text, which names the parameters and limits, never the values.
    """
    given_ones = {name: given for name, given in parameters.items() if given is not None}
    if not given_ones:
        return
    shapes = _model()["shapes"]
    members = shapes[_model()["operations"][operation]["input"]["shape"]]["members"]
    problems = [
        problem
        for name, given in given_ones.items()
        for problem in _problems(shapes, members[name]["shape"], given, at=_lowered(name))
    ]
    if problems:
        errors = (
            "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
        )
        raise ValidationError(f"{errors} detected: {'; '.join(problems)}")


def bounds(shape: str) -> tuple[int, int]:
    """The smallest and the largest length or number that a shape of the model allows."""
    limits = _model()["shapes"][shape]
    return limits["min"], limits["max"]


def shapes() -> Mapping[str, Any]:
    """Every shape of the model, by name."""
    found: Mapping[str, Any] = _model()["shapes"]
    return found


def operations() -> Mapping[str, Any]:
    """Every operation of the model, by name."""
    found: Mapping[str, Any] = _model()["operations"]
    return found


def patterns() -> Mapping[str, str]:
    """Shape → its pattern, for every shape of the model that has one."""
    shapes = _model()["shapes"].items()
    return {name: shape["pattern"] for name, shape in shapes if "pattern" in shape}


@cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    r"""A pattern of the model, to be matched in full; None for one that Python can't read.

    The model's patterns are Java's. `\d` and the like mean ASCII there. A later model may use more of Java than Python
    knows (`\p{L}`): then the service's own users would be refused everything, so such a pattern refuses nothing.
    """
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        return None


@cache
def _model() -> Mapping[str, Any]:
    spec = find_spec("botocore")
    for folder in () if spec is None else spec.submodule_search_locations or ():
        plain = Path(folder) / _MODEL
        zipped = plain.with_suffix(".json.gz")
        if zipped.exists():
            return _parsed(gzip.decompress(zipped.read_bytes()))
        if plain.exists():
            return _parsed(plain.read_bytes())
    raise ConfigurationError(
        "The package botocore, whose model of Secrets Manager tells the limits of parameters, is not installed as it "
        "should be. Install rotator-engine again."
    )


def _parsed(model: bytes) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(model)
    return parsed


def _problems(shapes: Mapping[str, Any], name: str, given: Any, *, at: str) -> Iterator[str]:
    shape = shapes[name]
    for constraint in _violated(name, shape, given):
        yield f"Value at '{at}' failed to satisfy constraint: Member must {constraint}"
    if shape["type"] == "list":
        for number, item in enumerate(given, 1):
            yield from _problems(shapes, shape["member"]["shape"], item, at=f"{at}.{number}.member")
    if shape["type"] == "structure":
        for key, value in given.items():
            if value is not None:
                member = shape["members"][key]["shape"]
                yield from _problems(shapes, member, value, at=f"{at}.{_lowered(key)}")


def _violated(name: str, shape: Mapping[str, Any], given: Any) -> Iterator[str]:
    kind = shape["type"]
    if kind == "string":
        yield from _violated_by_text(name, shape, given)
    if kind in {"structure", "boolean"}:
        return
    what, size = ("value", given) if kind in {"integer", "long"} else ("length", _size(name, given))
    if size > shape.get("max", size):
        yield f"have {what} less than or equal to {shape['max']}"
    if size < shape.get("min", size):
        yield f"have {what} greater than or equal to {shape['min']}"


def _violated_by_text(name: str, shape: Mapping[str, Any], given: str) -> Iterator[str]:
    unfit = _NO_ENCODING_TAKES if name in _IN_BYTES else _NO_COLUMN_TAKES  # values are sealed
    if unfit.search(given):
        yield "be text without NUL characters and lone surrogates"
    if "enum" in shape and given not in shape["enum"]:
        yield f"satisfy enum value set: [{', '.join(shape['enum'])}]"
    pattern = compiled(shape["pattern"]) if "pattern" in shape else None
    if pattern is not None and pattern.fullmatch(given) is None:
        yield f"satisfy regular expression pattern: {shape['pattern']}"


def _size(name: str, given: Any) -> int:
    return len(given.encode("utf-8", "surrogatepass") if name in _IN_BYTES else given)


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]
