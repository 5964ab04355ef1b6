"""What a call is about, as policies see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rotator.model.caller import Caller, CallerKind
from rotator.sdk import KeyProvider

Asked = Mapping[str, Sequence[str]]
"""Condition keys, in lower case, that a call's own parameters give → their values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a call is about.

    Attributes:
        row: of the secret, None where there is none.
        governed_by: its resource policy and the name of its sealing key, where they were looked up with it in this
            transaction; None where they weren't.
    """

    arn: str
    account: str
    row: int | None = None
    governed_by: tuple[str | None, str | None] | None = None


def asked(prefix: str = "secretsmanager:", /, **parameters: object) -> dict[str, Sequence[str]]:
    """Parameters of a call under the names of condition keys; what is None was not given."""
    return {
        f"{prefix}{name}".lower(): _texts(given)
        for name, given in parameters.items()
        if given is not None
    }


def asked_key(provider: KeyProvider, name: str | None, caller: Caller) -> dict[str, Sequence[str]]:
    """The sealing key that a call names, as it was named and by its ARN.

    Args:
        name: of a key that there is; None where the call names none.

    Raises:
        KeyUnavailable: the key has gone meanwhile.
    """
    named = asked(KmsKeyId=name)
    if name is None or caller.kind is not CallerKind.PRINCIPAL:  # nobody else is judged
        return named
    key_id = provider.resolve(name)
    here = f"arn:aws:kms:{caller.region}:{caller.account}:key/{key_id}"
    return named | asked(KmsKeyArn=key_id if key_id.startswith("arn:") else here)


def asked_tags(tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Tags that a call puts."""
    keyed = {f"aws:requesttag/{key}".lower(): (value,) for key, value in tags.items()}
    return {**keyed, "aws:tagkeys": sorted(tags)}


def _texts(given: object) -> Sequence[str]:
    if isinstance(given, str):
        return (given,)
    if isinstance(given, bool):
        return (str(given).lower(),)
    if isinstance(given, int):
        return (str(given),)
    return [str(each) for each in given] if isinstance(given, Sequence) else ()
