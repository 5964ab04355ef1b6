"""The rotator `tls-self-signed`: a key with a certificate that it signs itself."""

import datetime
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rotator.sdk import Candidate, Finding, Level, Misconfigured, Proof, Rotation, SecretValue
from rotators.generated.base import CheckedRotator, other_fields
from rotators.generated.tls_settings import CertificateForm, CertificateSettings

if TYPE_CHECKING:
    from rotators.generated.certificate import KeyAndCertificate

_OURS = frozenset({"private_key", "certificate", "trusted", "fingerprint", "not_after"})


class TlsSelfSigned(CheckedRotator):
    """Makes a new key and certificate.

    As JSON: `private_key`, `certificate`, its `fingerprint` and `not_after`, and `trusted`: the new certificate and
    the one before it, for clients, which meet servers that have not fetched the new one yet.
    """

    name = "tls-self-signed"
    summary = "A new key with a self-signed certificate in the store: JSON, PEM or PKCS #12"
    made = "key and certificate"
    settings_model = CertificateSettings

    def check_request(self, rotation: Rotation) -> None:
        """A certificate can be made of the settings."""
        from rotators.generated.certificate import who

        settings: CertificateSettings = rotation.settings
        who(names=_names(rotation, settings), subject=settings.subject)

    def findings(self, rotation: Rotation) -> Iterator[Finding]:
        """Tells what the certificate will say, and until when the current one is valid."""
        settings: CertificateSettings = rotation.settings
        names = ", ".join(_names(rotation, settings))
        yield Finding(
            level=Level.OK, message=f"a certificate for {names}, for {settings.days} days"
        )
        current = _current(rotation)
        if current is not None:
            ends = _day(current.certificate.not_valid_after_utc)
            yield Finding(level=Level.OK, message=f"the current certificate is valid until {ends}")
        lost = other_fields(rotation.value(Candidate.CURRENT)).keys() - _OURS
        if settings.form is not CertificateForm.JSON and lost:
            yield Finding(
                level=Level.WARNING,
                message=f"the form {settings.form} has no room for the fields {', '.join(sorted(lost))}",
                remedy="keep them in a secret of their own, or choose another form: --setting form=json",
            )

    def create_secret(self, rotation: Rotation) -> SecretValue:
        """A new key and certificate in the form that the settings ask for."""
        made = _new(rotation)
        settings: CertificateSettings = rotation.settings
        match settings.form:
            case CertificateForm.PEM:
                return SecretValue(string=made.key_pem + made.certificate_pem)
            case CertificateForm.PKCS12:
                return SecretValue(binary=made.pkcs12)
            case CertificateForm.JSON:
                kept = other_fields(rotation.value(Candidate.CURRENT))
                return SecretValue.from_json(kept | _fields(made, _current(rotation)))

    def check(self, value: SecretValue, rotation: Rotation) -> None:  # noqa: ARG002  # it speaks for itself
        """The certificate is that of the private key."""
        from rotators.generated.certificate import read

        read(value)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Accepted where key and certificate belong together.

        Raises:
            Misconfigured: they do, but the certificate has expired.
        """
        proof = super().probe(rotation, candidate)
        if proof is Proof.ACCEPTED:
            from rotators.generated.certificate import read

            ends = read(rotation.value(candidate)).certificate.not_valid_after_utc
            if ends <= _now():
                raise Misconfigured(
                    f"the certificate expired on {_day(ends)}",
                    hint=f"make a new one: rotate now {rotation.secret_name}",
                )
        return proof


def _new(rotation: Rotation) -> "KeyAndCertificate":
    from rotators.generated.certificate import make

    settings: CertificateSettings = rotation.settings
    return make(
        names=_names(rotation, settings),
        subject=settings.subject,
        days=settings.days,
        key_type=settings.key_type,
        now=_now(),
    )


def _names(rotation: Rotation, settings: CertificateSettings) -> tuple[str, ...]:
    if settings.names:
        return settings.names
    current = _current(rotation)
    if current is not None and (names := current.names()):
        return names
    raise Misconfigured(
        "nothing says which names the certificate is for, and the current value has none",
        hint="name them: rotate rotation set SECRET --setting names=app.example.com,10.0.0.7",
    )


def _current(rotation: Rotation) -> "KeyAndCertificate | None":
    from rotators.generated.certificate import read

    try:
        return read(rotation.value(Candidate.CURRENT))
    except Misconfigured:
        return None


def _fields(made: "KeyAndCertificate", before: "KeyAndCertificate | None") -> dict[str, str]:
    from cryptography.hazmat.primitives import hashes

    still_valid = before is not None and before.certificate.not_valid_after_utc > _now()
    older = before.certificate_pem if before is not None and still_valid else ""
    return {
        "private_key": made.key_pem,
        "certificate": made.certificate_pem,
        "trusted": made.certificate_pem + older,
        "fingerprint": made.certificate.fingerprint(hashes.SHA256()).hex(),
        "not_after": _moment(made.certificate.not_valid_after_utc),
    }


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _day(at: datetime.datetime) -> str:
    """For messages, where the very text of a field of the secret would be blanked out."""
    return at.strftime("%Y-%m-%d")


def _moment(at: datetime.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
