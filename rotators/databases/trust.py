"""The certificate authorities that vouch for servers."""

from pathlib import Path

from rotator.sdk import Misconfigured

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
