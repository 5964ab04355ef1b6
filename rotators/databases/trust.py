"""The certificate authorities that vouch for servers."""

from pathlib import Path
from typing import TYPE_CHECKING

from rotator.sdk import Misconfigured

if TYPE_CHECKING:
    import ssl

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, the BSDs
)


def existing(path: str, *, field: str) -> str:
    """`path`, which has to be a file.

    Args:
        path: of a CA bundle.
        field: the secret's field that may have named it.

    Raises:
        Misconfigured: it isn't there.
    """
    if not Path(path).is_file():
        raise Misconfigured(
            f"there is no CA file at {path}",
            hint=f'correct "{field}" in the secret, or the configured CA',
        )
    return path


def system_bundle() -> str:
    """The file of the system's trust store.

    What a driver's own OpenSSL takes for it is of no use: the one inside a wheel looks where the machine that built it
    had its store.

    Raises:
        Misconfigured: the system has none where systems have it.
    """
    import ssl  # here because start-up time counts, and most rotations have a CA of their own or no TLS

    # Its cafile is the one that SSL_CERT_FILE names, else OpenSSL's own, else None.
    for path in (ssl.get_default_verify_paths().cafile, *_BUNDLES):
        if path and Path(path).is_file():
            return path
    raise Misconfigured(
        "no CA is configured and the system has no trust store, so the server's certificate can't be verified",
        hint='configure a CA file; "ssl": false in the secret means plaintext',
    )


def verifying_context(path: str | None, *, field: str) -> "ssl.SSLContext":
    """What verifies a server's certificate and name.

    Args:
        path: of the CA bundle; None for the system's.
        field: the secret's field that may have named it.

    Raises:
        Misconfigured: there is no such file, or it holds no certificates.
    """
    import ssl

    ca = existing(path or system_bundle(), field=field)
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise Misconfigured(
            f"the CA file {ca} can't be read as certificates", hint="store them in PEM form"
        ) from None
