"""Which certificate authority vouches for the server."""

from pathlib import Path

from rotator.sdk import Misconfigured
from rotators.postgresql.secret import PLAINTEXT, Tls

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS, the BSDs
)


def tls_parameters(tls: Tls, *, trust: str | None) -> dict[str, str]:
    """The parameters of libpq for a connection.

    Args:
        tls: what the secret asks for.
        trust: path of the configured CA bundle; the secret's own `sslrootcert` goes before it, the system's trust store
            comes last.

    Raises:
        Misconfigured: the server's certificate has to be verified and no CA is configured.
    """
    if tls.mode == PLAINTEXT:
        return {"sslmode": PLAINTEXT}
    root = tls.root_certificate or trust
    if root is None or root == "system":
        if tls.mode == "require" and root is None:
            return {"sslmode": "require"}
        root = system_bundle()
    if not Path(root).is_file():
        raise Misconfigured(
            f"there is no CA file at {root}",
            hint='correct "sslrootcert" in the secret, or the configured CA',
        )
    return {"sslmode": tls.mode, "sslrootcert": root}


def system_bundle() -> str:
    """The file of the system's trust store.

    libpq's own `sslrootcert=system` is of no use here: the OpenSSL inside psycopg's wheel looks where the machine that
    built it had its store.

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
        hint='configure a CA file, or name one in the secret\'s "sslrootcert"; "ssl": false means plaintext',
    )
