"""What preflight says about roles and servers, in the words of a DBA. Pure: facts in, findings out."""

from collections.abc import Iterable

from rotator.sdk import Finding
from rotators.databases import finding
from rotators.postgresql.catalogue import Role, Roles
from rotators.postgresql.expiry import expired_since, lift_expiry
from rotators.postgresql.quoting import identifier
from rotators.postgresql.secret import PLAINTEXT, DatabaseSecret
from rotators.postgresql.trust import tls_parameters

OLDEST_VERSION = 140000


def server_findings(roles: Roles, *, standby: bool) -> Iterable[Finding]:
    """What is to be said of the server."""
    if roles.version < OLDEST_VERSION:
        yield finding.refusal(
            f"the server is PostgreSQL {version_name(roles.version)}; 14 is the oldest supported",
            "upgrade the server",
        )
    else:
        yield finding.ok(f"reached PostgreSQL {version_name(roles.version)} and logged in")
    if standby:
        yield finding.refusal(
            "the server is a standby, which takes no changes",
            "let the secret's host be the primary",
        )
    if not roles.fsync:
        yield finding.warning(
            "the server runs with fsync = off: a crash of its machine may bring the old password back",
            "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()",
        )
    if roles.synchronous_standbys:
        yield finding.warning(
            f"each commit waits for a standby (synchronous_standby_names = '{roles.synchronous_standbys}'): while none "
            "confirms it, the rotation can't tell whether its change lasts, and goes by what logs in",
            "see that one is connected: SELECT application_name, sync_state FROM pg_stat_replication",
        )


def tls_findings(*secrets: DatabaseSecret, trust: str | None) -> Iterable[Finding]:
    """How the connections are encrypted; secrets that say the same give one finding."""
    for tls, secret in {secret.tls: secret for secret in reversed(secrets)}.items():
        parameters = tls_parameters(tls, trust=trust)
        mode = parameters["sslmode"]
        if mode == PLAINTEXT:
            yield finding.warning(
                f'connections of "{secret.username}" are not encrypted ("ssl": false): logins and the verifier of a '
                "new password cross the network in plaintext",
                'turn TLS on in the server (ssl = on), and set "ssl": true in the secret',
            )
        elif "sslrootcert" not in parameters:
            yield finding.warning(
                f'connections of "{secret.username}" are encrypted, but the server\'s certificate is not verified '
                '("sslmode": "require" without a CA), so another machine may answer in its place',
                'configure the CA that signed it, and leave out "sslmode" for verify-full',
            )
        else:
            yield finding.ok(f"TLS {mode}")


def privilege_findings(role: Role, *, allowed: bool) -> Iterable[Finding]:
    """Whether a role with administrative rights may be rotated.

    Args:
        role: the role that would be changed.
        allowed: the rotation has the explicit allowance.

    """
    if not role.privileges:
        return
    reason = f'the role "{role.name}" has administrative rights: {", ".join(role.privileges)}'
    if allowed:
        yield finding.warning(f"{reason}; the rotation is allowed to change it")
    else:
        yield finding.refusal(
            reason, "if it is meant: rotate rotation set SECRET --allow-privileged"
        )


def login_findings(role: Role) -> Iterable[Finding]:
    """Whether the role could log in with whatever password."""
    name = identifier(role.name)
    if not role.attributes.login:
        yield finding.refusal(
            f'the role "{role.name}" is not permitted to log in', f"ALTER ROLE {name} LOGIN"
        )
    if role.expired:
        yield finding.refusal(
            f"{expired_since(role)}: a new one would be refused as well", lift_expiry(role.name)
        )
    elif role.attributes.valid_until not in (None, "infinity"):
        yield finding.warning(
            f'"{role.name}" can\'t log in after {role.attributes.valid_until} (VALID UNTIL), '
            "and a rotation doesn't change that",
            lift_expiry(role.name),
        )
    if role.attributes.connection_limit == 0:
        yield finding.refusal(
            f'the connection limit of "{role.name}" is 0', f"ALTER ROLE {name} CONNECTION LIMIT -1"
        )


def refused_login(username: str, role: Role | None, so: str) -> Finding:
    """The stored password does not log in.

    Args:
        username: whose.
        role: what the catalogue says of it.
        so: what follows.
    """
    if role is not None and role.expired:
        return finding.warning(f"{expired_since(role)}; {so}", lift_expiry(username))
    return finding.warning(f'the stored password of "{username}" does not log in; {so}')


def missing_role(name: str) -> Finding:
    """The role isn't there."""
    return finding.refusal(f'there is no role "{name}"', f"CREATE ROLE {identifier(name)} LOGIN")


def administration_findings(roles: Roles, role: Role) -> Iterable[Finding]:
    """Whether the admin user may change the role."""
    if roles.may_administer(role):
        return
    admin = roles.acting.name
    own = roles.acting.attributes
    if role.attributes.superuser or (role.attributes.replication and roles.version < 160000):
        yield finding.refusal(
            f'only a superuser may change "{role.name}", and the admin user "{admin}" is none',
            "let the admin secret be a superuser's",
        )
        return
    if not own.createrole:
        yield finding.refusal(
            f'the admin user "{admin}" may not change roles (no CREATEROLE)',
            f"ALTER ROLE {identifier(admin)} CREATEROLE",
        )
    if roles.version >= 160000 and not role.admin_option:
        yield finding.refusal(
            f'the admin user "{admin}" lacks ADMIN OPTION on "{role.name}", which CREATEROLE needs '
            "from PostgreSQL 16 on",
            f"GRANT {identifier(role.name)} TO {identifier(admin)} WITH ADMIN OPTION",
        )


def version_name(version: int) -> str:
    """`16.14` for 160014."""
    return f"{version // 10000}.{version % 10000}"
