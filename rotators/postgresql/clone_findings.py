"""What preflight says about an original user and its clone. Pure: facts in, findings out."""

from collections.abc import Iterator

from rotator.sdk import Finding, Rotation
from rotators.databases import finding
from rotators.postgresql import findings
from rotators.postgresql.clone_facts import CloneFacts
from rotators.postgresql.quoting import identifier
from rotators.postgresql.role_settings import acting_role

IGNORING_ROLE_SETTINGS = frozenset({140014, 150009, 160005, 170001})
"""Minor releases that ignored ALTER ROLE … SET role at login. Source: release notes of 14.15, 15.10, 16.6 and 17.2."""


def clone_findings(facts: CloneFacts, rotation: Rotation, *, database: str) -> Iterator[Finding]:
    """Whether the two users can take turns.

    Args:
        facts: what the catalogue says.
        rotation: its allowances count.
        database: the secret's.
    """
    version = facts.roles.version
    if version in IGNORING_ROLE_SETTINGS:
        yield finding.refusal(
            f"PostgreSQL {findings.version_name(version)} ignores the setting by which the clone acts as the original",
            f"upgrade the server to {findings.version_name(version + 1)} or later",
        )
    original = facts.roles.get(facts.original)
    if original is None:
        yield findings.missing_role(facts.original)
        return
    yield from findings.privilege_findings(original, allowed=rotation.allow_privileged)
    yield from findings.login_findings(original)
    yield from findings.administration_findings(facts.roles, original)
    yield from _existing_clone(facts, rotation, database=database)


def _existing_clone(facts: CloneFacts, rotation: Rotation, *, database: str) -> Iterator[Finding]:
    clone = facts.roles.get(facts.clone)
    if clone is None:
        yield finding.ok(f'the clone "{facts.clone}" will be made')
        return
    acts_as_original = _acts_as_original(facts, database=database)
    is_member = any(row.role == facts.original for row in facts.memberships)
    if not is_member and not acts_as_original:
        yield finding.refusal(
            f'there is a role "{facts.clone}", which is no clone of "{facts.original}"',
            f"if it is meant to be one: GRANT {identifier(facts.original)} TO {identifier(facts.clone)}; "
            f"else: ALTER ROLE {identifier(facts.clone)} RENAME TO <another name>",
        )
    yield from findings.privilege_findings(clone, allowed=rotation.allow_privileged)
    yield from findings.administration_findings(facts.roles, clone)
    yield from _dependents(facts, out_of_reach_already=acts_as_original and is_member)


def _acts_as_original(facts: CloneFacts, *, database: str) -> bool:
    own = facts.settings[facts.original]
    clones = facts.settings[facts.clone]
    wanted = acting_role(own, user=facts.original, database=database)
    return acting_role(clones, user=facts.clone, database=database) == wanted


def _dependents(facts: CloneFacts, *, out_of_reach_already: bool) -> Iterator[Finding]:
    clone, original = identifier(facts.clone), identifier(facts.original)
    for found in facts.dependents:
        place = (
            "shared by all databases"
            if found.database is None
            else f'in the database "{found.database}"'
        )
        if found.owned:
            say = finding.warning if out_of_reach_already else finding.refusal
            yield say(
                f'the clone "{facts.clone}" owns {found.count} objects {place}, which its sessions can\'t alter '
                f'when they act as "{facts.original}"',
                f"there: REASSIGN OWNED BY {clone} TO {original}",
            )
        elif found.database not in (None, facts.database):
            yield finding.warning(
                f'the clone "{facts.clone}" holds privileges of its own on {found.count} objects {place}, which a '
                "rotation doesn't reach from this database",
                f"there: REASSIGN OWNED BY {clone} TO {original}; DROP OWNED BY {clone}",
            )
    for grant in facts.grants:
        if grant.keyword is None:
            yield finding.warning(
                f'the clone "{facts.clone}" holds privileges of its own: {grant.identity}',
                f"REASSIGN OWNED BY {clone} TO {original}; DROP OWNED BY {clone}",
            )
