"""What preflight finds at an entry, but for the policies."""

import secrets

from rotator.sdk import Finding, Rotation
from rotators.databases import finding
from rotators.ldap.driver import ldap3
from rotators.ldap.entry import Entry
from rotators.ldap.failure import INSUFFICIENT_ACCESS, NO_SUCH_ATTRIBUTE, access_hint
from rotators.ldap.hashes import hashed
from rotators.ldap.secret import LdapSecret, parse
from rotators.ldap.session import Modification, Session


def right_findings(session: Session, dn: str) -> list[Finding]:
    """Whether the session may change userPassword: taking away a value that is not there changes nothing."""
    absent = hashed(secrets.token_urlsafe(24), scheme="SSHA", salt=secrets.token_bytes(16))
    doing = "asking for the right to change userPassword"
    code = session.modify(dn, [Modification(ldap3.MODIFY_DELETE, (absent,))], doing=doing)
    if code == NO_SUCH_ATTRIBUTE:
        return []
    if code == INSUFFICIENT_ACCESS:
        return [
            finding.refusal(
                f'{session.attempt.who} may not change userPassword of "{dn}"',
                access_hint(session.attempt.user),
            )
        ]
    session.refuse(doing)
    return []


def value_findings(entry: Entry, live: LdapSecret, rotation: Rotation) -> list[Finding]:
    """What the entry's passwords say of the rotation."""
    if entry.values is None:
        return [
            finding.warning(
                f'the passwords of "{live.username}" can\'t be read (or there is none), so retire leaves the new one '
                "alone: further ones that the entry may have are taken away too",
                "let whoever changes it read userPassword (write, in place of =w)",
            )
        ]
    if entry.refuses(live.password):
        return [
            finding.warning(
                f'"{live.username}" has another password than the secret; it gets the new one'
            )
        ]
    known = {value for each in rotation.known for value in entry.of(parse(each).password)}
    further = len(set(entry.values) - known)
    if further > (0 if entry.of(live.password) else 1):
        return [
            finding.warning(
                f'"{live.username}" has {further} further password{"s" if further > 1 else ""} beside the secret\'s, '
                "which stay valid",
                "see them as an administrator: ldapsearch … userPassword",
            )
        ]
    return []


def tls_findings(secret: LdapSecret) -> list[Finding]:
    """Whether binds are encrypted."""
    if secret.tls:
        how = "TLS from the first byte" if secret.ldaps else "StartTLS"
        return [finding.ok(f"{how}, and the server's certificate and name are verified")]
    return [
        finding.warning(
            f'connections of "{secret.username}" are not encrypted ("ssl": false): passwords cross the network in '
            "plaintext at every bind",
            'turn TLS on in slapd (TLSCertificateFile), and leave out "ssl" in the secret',
        )
    ]
