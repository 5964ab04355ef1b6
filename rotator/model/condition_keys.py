"""The keys that conditions of policies may ask about. Pure.

The lists: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from enum import Enum, auto


class Standing(Enum):
    """What becomes of a key here."""

    GIVEN = auto()  # requests have it, where it applies to them
    NEVER_GIVEN = auto()  # AWS has it, and no request here does
    UNKNOWN = auto()  # AWS has no such key either


_GIVEN = frozenset(
    {
        "aws:currenttime",
        "aws:epochtime",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principaltype",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceip",
        "aws:tagkeys",
        "aws:useragent",
        "aws:userid",
        "aws:username",
        "aws:viaawsservice",
        "secretsmanager:addreplicaregions",
        "secretsmanager:blockpublicpolicy",
        "secretsmanager:description",
        "secretsmanager:forcedeletewithoutrecovery",
        "secretsmanager:forceoverwritereplicasecret",
        "secretsmanager:kmskeyarn",
        "secretsmanager:kmskeyid",
        "secretsmanager:modifyrotationrules",
        "secretsmanager:name",
        "secretsmanager:recoverywindowindays",
        "secretsmanager:resource/allowrotationlambdaarn",
        "secretsmanager:rotateimmediately",
        "secretsmanager:rotationlambdaarn",
        "secretsmanager:secretid",
        "secretsmanager:secretprimaryregion",
        "secretsmanager:versionid",
        "secretsmanager:versionstage",
    }
)
_GIVEN_BY_TAG = ("aws:requesttag/", "aws:resourcetag/", "secretsmanager:resourcetag/")
_NEVER_GIVEN = frozenset(
    {
        "aws:assumedroot",
        "aws:calledvia",
        "aws:calledviafirst",
        "aws:calledvialast",
        "aws:chatbotsourcearn",
        "aws:ec2instancesourceprivateipv4",
        "aws:ec2instancesourcevpc",
        "aws:federatedprovider",
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:referer",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceidentity",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:tokenissuetime",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "aws:vpceorgpaths",
        "aws:vpcsourceip",
        "secretsmanager:externalsecretrotationrolearn",
        "secretsmanager:resource/type",
        "secretsmanager:type",
    }
)
_NEVER_GIVEN_BY_TAG = ("aws:principaltag/",)
_OURS = ("aws:", "secretsmanager:")


def standing(key: str) -> Standing:
    """What becomes of a key, which has no case."""
    known = key.lower()
    if known in _GIVEN or _is_of_tag(known, _GIVEN_BY_TAG):
        return Standing.GIVEN
    of_another_service = not known.startswith(_OURS) and ":" in known
    if known in _NEVER_GIVEN or _is_of_tag(known, _NEVER_GIVEN_BY_TAG) or of_another_service:
        return Standing.NEVER_GIVEN
    return Standing.UNKNOWN


def _is_of_tag(key: str, prefixes: tuple[str, ...]) -> bool:
    return any(key.startswith(prefix) and key != prefix for prefix in prefixes)
