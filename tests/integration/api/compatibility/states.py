"""What becomes of every parameter and every member of an answer that botocore's model has."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rotator.manager import limits
from tests.integration.api.compatibility.differences import DIFFERENCES

PAGE: Final = Path(__file__).parents[4] / "docs" / "aws-compatibility.md"

_PARTNERS = "secrets of other vendors are not managed"
_ACCOUNTS = "replicas in other accounts are not kept"
NOT_HERE: Final = {
    "AssociateCrossAccountReplica": _ACCOUNTS,
    "DisassociateCrossAccountReplica": _ACCOUNTS,
}
"""Operations that are refused, whatever they are given."""

REFUSED: Final[Mapping[str, str]] = {
    "CreateSecret.Type": _PARTNERS,
    "CreateSecret.CrossAccountPrimaryARN": _ACCOUNTS,
    "UpdateSecret.Type": _PARTNERS,
    "RotateSecret.ExternalSecretRotationMetadata": _PARTNERS,
    "RotateSecret.ExternalSecretRotationRoleArn": _PARTNERS,
}
"""Parameters that are refused with InvalidRequestException, and why."""

FUNCTIONS: Final = {
    "PutSecretValue.RotationToken": "taken from the rotation's own function, whose credentials it belongs to",
}
"""Parameters that only a rotation function has."""

SOMETIMES: Final[Mapping[str, str]] = {
    "CancelRotateSecret.VersionId": "where a rotation has left a version unfinished",
    "DescribeSecret.KmsKeyId": "where the key is not the default one",
    "DescribeSecret.LastRotatedDate": "once it has rotated",
}
"""Members that no answer of the script has, and when they are there."""

NEVER: Final[Mapping[str, str]] = {
    "DescribeSecret.Type": _PARTNERS,
    "DescribeSecret.ExternalSecretRotationMetadata": _PARTNERS,
    "DescribeSecret.ExternalSecretRotationRoleArn": _PARTNERS,
    "DescribeSecret.OwningService": "no service owns a secret",
    "DescribeSecret.CrossAccountPrimary": _ACCOUNTS,
    "DescribeSecret.CrossAccountReplicas": _ACCOUNTS,
    "GetResourcePolicy.PolicyName": "a secret has one policy, `default`",
    "PutResourcePolicy.PolicyName": "a secret has one policy, `default`",
    "DeleteResourcePolicy.PolicyName": "a secret has one policy, `default`",
    "ListResourcePolicies.NextToken": "one policy needs no second page",
}
"""Members that no answer has."""


def inputs() -> Iterator[str]:
    """Every parameter, as `Operation.Parameter`."""
    yield from _members("input")


def outputs() -> Iterator[str]:
    """Every member of an answer, as `Operation.Member`."""
    yield from _members("output")


def is_here(name: str) -> bool:
    """Whether a parameter or member is one of an operation that is done."""
    return name.partition(".")[0] not in NOT_HERE


def _members(side: str) -> Iterator[str]:
    shapes: Mapping[str, Any] = limits.shapes()
    for name, operation in sorted(limits.operations().items()):
        if side in operation:
            for member in shapes[operation[side]["shape"]]["members"]:
                yield f"{name}.{member}"


_HEAD = """# Compatibility with AWS Secrets Manager

This page is written from the tables of `tests/integration/api/compatibility` (`make docs`). A test makes the same calls
through boto3 to this server and to moto's, and fails where answers differ and that is not explained here, where an
explanation is not needed any more, and where a parameter or a member of botocore's model has no state.

## Operations

"taken" means that the parameter does what it does on the real service; "told", that the member is in answers. What is
refused is an InvalidRequestException that says why.
"""

_DIFFERENCES = """
## Where moto's server answers otherwise

"here" is what this server does: an answer, or the code of its error. "Seen" means: on the real service.

| call | here | why |
|---|---|---|
"""


def page() -> str:
    """docs/aws-compatibility.md."""
    return _HEAD + "".join(_operations()) + _DIFFERENCES + "".join(_rows())


def _operations() -> Iterator[str]:
    for name in sorted(limits.operations()):
        yield f"\n### {name}\n\n"
        if name in NOT_HERE:
            yield f"Refused: {NOT_HERE[name]}.\n"
            continue
        yield "| parameter | state |\n|---|---|\n"
        for one in inputs():
            if one.startswith(f"{name}."):
                yield f"| `{one.partition('.')[2]}` | {_input_state(one)} |\n"
        told = [one for one in outputs() if one.startswith(f"{name}.")]
        if told:
            yield "\n| member of the answer | state |\n|---|---|\n"
            for one in told:
                yield f"| `{one.partition('.')[2]}` | {_output_state(one)} |\n"


def _input_state(name: str) -> str:
    if name in REFUSED:
        return f"refused: {REFUSED[name]}"
    return FUNCTIONS.get(name, "taken")


def _output_state(name: str) -> str:
    if name in NEVER:
        return f"never: {NEVER[name]}"
    return f"told {SOMETIMES[name]}" if name in SOMETIMES else "told"


def _rows() -> Iterator[str]:
    for label, difference in DIFFERENCES.items():
        yield f"| {label} | {difference.here} | {difference.why} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
