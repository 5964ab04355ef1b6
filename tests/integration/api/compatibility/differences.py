"""Where this server and moto's answer a call of the script differently, and why this one answers as it does.

The sources: seen on the real service, its documentation, botocore's model of it; where nobody knows, the choice is said
to be one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

OK: Final = "answered"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    Attributes:
        here: what this server does: `OK`, or the code of its error.
        why: what decides it.
    """

    here: str
    why: str


_MARKED = "seen: nothing but a description or a restoration is done to a secret that is marked for deletion"
_TEXT = "moto's text repeats what a client adds to it"
_FIVE = "moto answers 500"
_NOT_MOTO = "moto doesn't have the operation, or not with these parameters"
_VERSIONS = (
    "seen: the ARN in `ARN`, `KmsKeyIds`, no `VersionStages` for a version without a label, which comes only with "
    "IncludeDeprecated, and pages; moto has a name in `ARN`, every version, an empty token and a date of a read that "
    "never was"
)
_ARN = "the model: `ARN` is an ARN; moto gives back what was asked with"
_READ = "documented: LastAccessedDate is the day of the last read; moto has none"
_ACCOUNT = "replicas in other accounts are not kept here, and refused by name"

DIFFERENCES: Final[Mapping[str, Difference]] = {
    "create: no name": Difference(
        "ValidationException", "seen: a name has letters, digits and -/_+=.@! only"
    ),
    "create: both values": Difference(
        "InvalidParameterException", "documented: a version has text or bytes, not both"
    ),
    "get: no such label": Difference("ResourceNotFoundException", "seen: the text names the label"),
    "describe": Difference(
        OK, f"{_READ}. Documented: only versions with labels are in VersionIdsToStages"
    ),
    "batch: neither": Difference(
        "InvalidParameterException",
        "others have found it so: names or filters have to be given; moto answers with nothing",
    ),
    "batch: next page": Difference(OK, "moto has made a secret that was refused here before"),
    "labels: elsewhere": Difference(
        "InvalidParameterException",
        "seen: a label moves only where the version that has it is named",
    ),
    "labels: neither": Difference(
        "InvalidParameterException", "a choice: a call that asks for nothing is a mistake"
    ),
    "labels: no current": Difference(
        "InvalidParameterException",
        "a secret that ever had a value has an AWSCURRENT version: the label moves, and is never taken off",
    ),
    "versions": Difference(OK, _VERSIONS),
    "versions: deprecated too": Difference(OK, _VERSIONS),
    "versions: a page": Difference(OK, _VERSIONS),
    "versions: next page": Difference(OK, "moto gives everything at once and has no second page"),
    "versions: missing": Difference("ResourceNotFoundException", _FIVE),
    "list: by description": Difference(
        OK, "seen: every word of the filter begins a word of the description, in any case"
    ),
    "list: by primary region": Difference(
        OK, "a choice: a secret without replicas has its primary where it is"
    ),
    "list: by nothing": Difference(
        "ValidationException", "the keys are those of the current model; a value is never repeated"
    ),
    "list: descending": Difference(OK, "documented: SortOrder and SortBy; moto passes them over"),
    "list: a token of none": Difference("InvalidNextTokenException", _FIVE),
    "tag: reserved": Difference(
        "InvalidParameterException", "documented: tag keys that begin with aws: are reserved"
    ),
    "delete: window too short": Difference("InvalidParameterException", _TEXT),
    "delete: window and force": Difference("InvalidParameterException", _TEXT),
    "delete: again": Difference("InvalidRequestException", f"{_MARKED}, with this text"),
    "deleted: get": Difference("InvalidRequestException", f"{_MARKED}, with this text"),
    "deleted: put": Difference("InvalidRequestException", _MARKED),
    "deleted: update": Difference("InvalidRequestException", _TEXT),
    "deleted: tag": Difference("InvalidRequestException", _MARKED),
    "deleted: create": Difference(
        "InvalidRequestException", "seen: the name is taken until the window is over"
    ),
    "deleted: describe": Difference(OK, "moto has tagged it although it was marked"),
    "deleted: list with it": Difference(OK, "moto has tagged it although it was marked"),
    "policy: no policy": Difference(
        "MalformedPolicyDocumentException", "documented; moto keeps any text"
    ),
    "policy: public": Difference("PublicPolicyException", "documented: BlockPublicPolicy"),
    "policy: validate": Difference(OK, _NOT_MOTO),
    "policy: validate nonsense": Difference(OK, _NOT_MOTO),
    "policies: list": Difference(OK, _NOT_MOTO),
    "policies: a page": Difference(OK, _NOT_MOTO),
    "policies: a token of none": Difference("InvalidNextTokenException", _NOT_MOTO),
    "rotate: no function": Difference(
        "InvalidRequestException", "seen: without a function nothing rotates; moto makes a version"
    ),
    "rotate: a function that isn't there": Difference(
        "AccessDeniedException", "seen, with this text, and nothing is stored"
    ),
    "rotate: two kinds of rules": Difference(
        "InvalidParameterException", "seen; parameters are checked before a function is looked for"
    ),
    "cancel: never set": Difference(
        "InvalidRequestException", "what was never set can't be cancelled; moto makes up a version"
    ),
    "rotate": Difference(
        OK,
        "an ARN that names a rotator of this server is that rotator; moto asks its Lambda service",
    ),
    "rotate: described": Difference(OK, "moto has stored a rotation that it refused"),
    "cancel": Difference(
        OK, "the answer names a version only where a rotation has left one unfinished"
    ),
    "cancel: described": Difference(OK, "moto has stored a rotation that it refused"),
    "replica: primary described": Difference(
        OK, "documented: PrimaryRegion is told of a primary, too"
    ),
    "replica: delete the primary": Difference(
        "InvalidParameterException", "seen on the real service: a full stop ends the sentence"
    ),
    "replica: list abroad": Difference(OK, _READ),
    "replica: remove": Difference(OK, _ARN),
    "replica: name in use": Difference(
        OK, f"{_ARN}, and names every secret `simple` in the message"
    ),
    "replica: overwrite": Difference(
        OK, f"{_ARN}, and keeps the attempt that failed beside the one that succeeded"
    ),
    "replica: promote": Difference(OK, _NOT_MOTO),
    "replica: another account": Difference("InvalidRequestException", _ACCOUNT),
    "replica: another account, away": Difference("InvalidRequestException", _ACCOUNT),
    "password: too short": Difference("InvalidParameterException", _TEXT),
    "password: too long": Difference(
        "ValidationException", "a limit of the model, which are ValidationExceptions"
    ),
    "password: nothing left": Difference("InvalidParameterException", _FIVE),
}
