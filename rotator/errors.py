"""What rotator raises, each with the AWS error code that it has in the API.

The command line maps these classes to exit codes and the API maps them to responses; a message is written for the
person who reads it: what happened, what it means, what to do next. No message ever carries a secret value.
"""

from typing import ClassVar


class RotatorError(Exception):
    """Base of every error that rotator raises on purpose.

    Attributes:
        recorded: there is an audit record of it.
    """

    code: ClassVar[str] = "InternalServiceError"
    recorded = False


class InvalidParameter(RotatorError):
    """A parameter's value is not allowed."""

    code = "InvalidParameterException"


class InvalidNextToken(InvalidParameter):
    """A cursor is not one of the list that it is used with."""

    code = "InvalidNextTokenException"


class InvalidRequest(RotatorError):
    """The parameters are well formed, but the state of the secret does not allow the request."""

    code = "InvalidRequestException"


class MarkedForDeletion(InvalidRequest):
    """The secret is marked for deletion, and is not to be used."""


class ValidationError(RotatorError):
    """A name or identifier is malformed."""

    code = "ValidationException"


class ConfigurationError(RotatorError):
    """The configuration file, an environment variable or a command's usage is wrong."""


class ResourceNotFound(RotatorError):
    """No such secret, version, label or rotator."""

    code = "ResourceNotFoundException"


class ResourceExists(RotatorError):
    """The name or the token is already in use for something else."""

    code = "ResourceExistsException"


class MalformedPolicyDocument(RotatorError):
    """A resource policy is not written in the grammar of policies."""

    code = "MalformedPolicyDocumentException"


class PublicPolicy(RotatorError):
    """A resource policy would let anyone in, and the caller asked to block such."""

    code = "PublicPolicyException"


class LimitExceeded(RotatorError):
    """A quota of the service (labels, versions, size) would be exceeded."""

    code = "LimitExceededException"


class AccessDenied(RotatorError):
    """The caller may not do this.

    Attributes:
        why: for the audit, where policies decided.
        statement: of a policy, the one that decided; nothing that the caller is told.
    """

    code = "AccessDeniedException"
    why: str | None = None
    statement: str | None = None


class AuthenticationFailed(RotatorError):
    """Who signed a request is not known: no caller is let in on the strength of it.

    Attributes:
        query_code: the code in services of the query protocol, such as STS, which have other names for the same.
    """

    code = "UnrecognizedClientException"
    query_code: ClassVar[str] = "InvalidClientTokenId"


class MissingAuthenticationToken(AuthenticationFailed):
    """The request isn't signed."""

    code = "MissingAuthenticationTokenException"
    query_code = "MissingAuthenticationToken"


class IncompleteSignature(AuthenticationFailed):
    """The request is signed in a form that can't be read, or that leaves out what has to be signed."""

    code = "IncompleteSignatureException"
    query_code = "IncompleteSignature"


class UnrecognizedClient(AuthenticationFailed):
    """Nobody has the access key, or the session token isn't one of this server's."""


class InvalidSignature(AuthenticationFailed):
    """The signature is not that of the request under the key, or is scoped to another place."""

    code = "InvalidSignatureException"
    query_code = "SignatureDoesNotMatch"


class RequestExpired(InvalidSignature):
    """The request was signed too long ago, or in the future; a presigned one has expired."""


class ExpiredToken(AuthenticationFailed):
    """The temporary credentials that the request is signed with have expired."""

    code = "ExpiredTokenException"
    query_code = "ExpiredToken"


class DecryptionFailure(RotatorError):
    """A stored value cannot be opened: the key is missing or disabled, or the row was altered."""

    code = "DecryptionFailure"


class RowAltered(DecryptionFailure):
    """A row of the store says what rotator can't have written there. Nothing was changed on account of it."""


class KeyUnavailable(RotatorError):
    """The key provider cannot give a usable sealing key."""


class KeyClosed(KeyUnavailable):
    """The sealing key is disabled or missing, or may not be used: so it stays until somebody changes that."""

    code = "DecryptionFailure"


class SealingRefused(KeyClosed):
    """A value can't be sealed, because the key that is asked for is closed."""

    code = "EncryptionFailure"


class StoreUnavailable(RotatorError):
    """The store cannot be reached, is locked, read-only, full, or of another release."""


class AuditBroken(StoreUnavailable):
    """The audit in the store is not as it was written, so nothing can be added to it."""


class PreflightRefused(RotatorError):
    """Preflight says that the rotation cannot work as things are; nothing was changed."""


class RotationInProgress(RotatorError):
    """Another process holds the lease of this secret's rotation."""


class FencedOut(RotatorError):
    """This process no longer owns the rotation: it was taken over, or abandoned from outside."""
