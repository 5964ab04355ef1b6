"""What a failed bind or operation means for the rotation. Result codes: RFC 4511, section 4.1.9."""

import ssl
from dataclasses import dataclass
from typing import Any

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)

SUCCESS = 0
PROTOCOL_ERROR = 2
TIME_LIMIT = 3
CONFIDENTIALITY_REQUIRED = 13
NO_SUCH_ATTRIBUTE = 16
CONSTRAINT_VIOLATION = 19
VALUE_EXISTS = 20
NO_SUCH_OBJECT = 32
INVALID_DN = 34
INVALID_CREDENTIALS = 49
INSUFFICIENT_ACCESS = 50
BUSY = 51
UNAVAILABLE = 52
REFERRAL = 10

_SAFE_MODIFY = "Must supply old password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The login that a failure belongs to.

    Attributes:
        tls: the secret asks for TLS.
        ldaps: from the first byte.
        admin: the credential is the admin secret's.
    """

    user: str
    address: str
    tls: bool
    ldaps: bool
    admin: bool

    @property
    def who(self) -> str:
        """The user, for messages."""
        return f'the admin "{self.user}"' if self.admin else f'"{self.user}"'


def explain_connection(failure: Exception, attempt: Attempt) -> StepError:
    """The error that a failed connection stands for, of the socket or of ldap3."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        return Misconfigured(
            f"the certificate of {attempt.address} is not trusted: {failure.verify_message}",
            hint='name the CA that issued it ("ssl_ca" in the secret, or the configured CA), and the host as it is in '
            "the certificate",
        )
    if isinstance(failure, ssl.SSLError) or (
        attempt.ldaps and isinstance(failure, ConnectionError)
    ):
        return Misconfigured(
            f"no TLS connection to {attempt.address} could be agreed: {getattr(failure, 'reason', None) or failure}",
            hint='is the port one for ldaps? "starttls": true begins in plaintext, as on port 389',
        )
    if isinstance(failure, TimeoutError):
        return TargetUnreachable(
            f"the server at {attempt.address} did not complete the login within the time limit",
            hint="check that no firewall swallows the packets, and what the server is busy with",
        )
    return TargetUnreachable(
        f"no connection to {attempt.address}: {failure}",
        hint="check that slapd runs, that it listens there (-h) and that no firewall is in between",
    )


def explain_bind(result: dict[str, Any], attempt: Attempt) -> StepError:
    """The error that a refused bind stands for."""
    code, text = result["result"], _text(result)
    if code == INVALID_CREDENTIALS:
        kind = AdminLoginRefused if attempt.admin else LoginRefused
        return kind(
            f"the server at {attempt.address} refused the password of {attempt.who}: it is wrong, or there is no such "
            "entry, or the policy has locked it; the server doesn't tell which",
            hint=f'see the entry as an administrator: ldapsearch -b "{attempt.user}" -s base "*" pwdAccountLockedTime',
        )
    if code == CONFIDENTIALITY_REQUIRED:
        return Misconfigured(
            f"the server at {attempt.address} takes passwords over TLS only: {text}",
            hint='leave out "ssl": false in the secret',
        )
    return explain_result(result, "the login", attempt)


def explain_result(result: dict[str, Any], doing: str, attempt: Attempt) -> StepError:
    """The error that the result of an operation stands for."""
    code, text = result["result"], _text(result)
    at = f"{doing} at {attempt.address}"
    if code in {BUSY, UNAVAILABLE, TIME_LIMIT}:
        return TargetBusy(f"{at} was refused, the server has no time: {text}")
    if code == INVALID_DN:
        return Misconfigured(
            f'"{attempt.user}" is no valid DN: {text}',
            hint='correct "username" in the secret; special characters are escaped with a backslash',
        )
    if code == REFERRAL:
        return Misconfigured(
            f"{at} is not possible, the server takes no changes and names another one: {text}",
            hint='store the address of the provider in "host"',
        )
    if _SAFE_MODIFY in text:
        return TargetRefused(
            f"{at} was refused, the policy wants the old password to go with the change: {text}",
            hint="let pwdSafeModify be FALSE, or name the root DN's secret in masterarn",
        )
    if code == INSUFFICIENT_ACCESS:
        return TargetRefused(
            f"{attempt.who} lacks a right for {at}: {text}",
            hint=access_hint(attempt.user),
        )
    if code == CONSTRAINT_VIOLATION:
        return TargetRefused(
            f"the password policy refused {at}: {text}",
            hint="a policy with pwdCheckQuality 2 refuses every hash: set it to 1",
        )
    if code == PROTOCOL_ERROR and doing == "StartTLS":
        return Misconfigured(
            f"the server at {attempt.address} does not offer StartTLS, and the secret asks for TLS",
            hint='turn TLS on in slapd (TLSCertificateFile), or set "ssl": false in the secret to accept plaintext',
        )
    return TargetRefused(f"the server refused {at}: {text} (result {code})")


def access_hint(user: str) -> str:
    """The rule that lets a user change passwords."""
    return (
        f'access to attrs=userPassword by dn.exact="{user}" write by self write by anonymous auth'
    )


def _text(result: dict[str, Any]) -> str:
    return str(result.get("message") or result.get("description"))
