"""Which certificate authority vouches for the server."""

from rotators.databases.trust import existing, system_bundle
from rotators.postgresql.secret import PLAINTEXT, Tls


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
    return {"sslmode": tls.mode, "sslrootcert": existing(root, field="sslrootcert")}
