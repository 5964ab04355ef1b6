"""The steps of `rabbitmq-user` on the target.

A user has one password, which an administrator sets as a salted hash. The API's answer to a login tells a wrong
password from a user that is not one of the API's, so every user's password is proved there. Each request has a
connection of its own, so there are no sessions to end after a takeover: an older owner finds its deadline passed.
Connections of applications, which outlive their password, are another matter.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rotator.sdk import (
    Candidate,
    Finding,
    Misconfigured,
    Overlap,
    Preflight,
    Proof,
    Rotation,
    TargetRefused,
    Use,
)
from rotators.databases import credential, finding
from rotators.databases.admin import check_server
from rotators.rabbitmq.api import (
    READING,
    checked,
    hashed,
    is_of,
    lacks_tag,
    request,
    user_path,
)
from rotators.rabbitmq.secret import RabbitmqSecret, parse
from rotators.rabbitmq.use import connections_of, end_connections

_ALGORITHMS = {
    "rabbit_password_hashing_sha256": "sha256",
    "rabbit_password_hashing_sha512": "sha512",
}
_DEFAULT = "rabbit_password_hashing_sha256"
_ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class _Login:
    """A password that the broker took."""

    password_asked: bool = True

    def close(self) -> None:
        """Nothing is open."""


class _Prover(credential.Prover[RabbitmqSecret, _Login]):
    """Takes a success for proof only where a random password is refused."""

    def _open(self, secret: RabbitmqSecret, rotation: Rotation) -> _Login:
        answer = request(secret, rotation, "GET", "/api/whoami")
        if not lacks_tag(answer):
            checked(answer, secret, doing=READING, admin=False)
        return _Login()

    def _with_password(self, secret: RabbitmqSecret, password: str) -> RabbitmqSecret:
        return replace(secret, password=password)

    def _lets_anyone_in(self, secret: RabbitmqSecret) -> Misconfigured:
        return Misconfigured(
            f'the broker at {secret.address} lets anyone in as "{secret.username}": a random password is taken, so a '
            "login proves nothing",
            hint="which backends does it ask? auth_backends in rabbitmq.conf",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _User:
    """A user as the broker stores it."""

    stored: str
    algorithm: str
    tags: tuple[str, ...]

    def accepts(self, password: str) -> bool | None:
        """Whether its password is this one; None where the algorithm can't be computed here."""
        name = _ALGORITHMS.get(self.algorithm)
        return None if name is None else is_of(self.stored, password, algorithm=name)


class RabbitmqSteps:
    """One attempt's steps."""

    def __init__(self) -> None:
        self._prover = _Prover()

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the password can be changed; nothing is."""
        live = parse(rotation.value(rotation.live))
        try:
            admin = self._admin(rotation)
            found = [*_tls_findings(live), *self._findings(admin, live, rotation)]
        except Misconfigured as wrong:
            found = [finding.refusal(wrong.message, wrong.hint)]
        change = f'PUT {user_path(live.username)} {{"password_hash": <hash of the new password>, "tags": as they are}}'
        return Preflight(overlap=Overlap.GAP, findings=tuple(found), changes=(change,))

    def set_secret(self, rotation: Rotation) -> None:
        """Set the pending password."""
        self._set(
            parse(rotation.value(Candidate.PENDING)), rotation, doing="setting the new password"
        )

    def test_secret(self, rotation: Rotation) -> None:
        """The new password is taken, a random and the old one are refused."""
        pending = parse(rotation.value(Candidate.PENDING))
        current = parse(rotation.value(Candidate.CURRENT))
        self._prover.log_in(pending, rotation).close()
        self._prover.insist_on_password(pending, rotation)
        if current.password != pending.password and not self._prover.refused(current, rotation):
            raise Misconfigured(
                f'the broker still takes the old password of "{current.username}" after the new one was set',
                hint="another backend or a cache knows it too: auth_backends in rabbitmq.conf",
            )

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in, and a random password doesn't."""
        return self._prover.prove(parse(rotation.value(candidate)), rotation)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the candidate logs in."""
        return self._prover.admit(parse(rotation.value(candidate)), rotation)

    def revert_secret(self, rotation: Rotation) -> None:
        """Set the current password again."""
        self._set(
            parse(rotation.value(Candidate.CURRENT)), rotation, doing="setting the old password"
        )

    def retire_secret(self, rotation: Rotation) -> None:
        """The old password died as the new one was set."""

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """The user's connections, those by the new password among them."""
        user = parse(rotation.value(Candidate.CURRENT)).username
        return connections_of(self._admin(rotation), user, rotation)

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """End the user's connections: those that were named, and what has come since, which logs in anew."""
        del uses
        user = parse(rotation.value(Candidate.CURRENT)).username
        end_connections(self._admin(rotation), user, rotation)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """There are none: see the module."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _admin(self, rotation: Rotation) -> RabbitmqSecret:
        live = parse(rotation.value(rotation.live))
        if rotation.admin is None:
            raise Misconfigured(
                "no user of RabbitMQ may change its own password, and this rotation has no admin secret",
                hint='name one: `rotate rotation set SECRET --admin ADMIN-SECRET`, or "masterarn" in the secret',
            )
        admin = parse(rotation.admin)
        check_server(admin, live, rotation)
        if admin.username == live.username:
            raise Misconfigured(
                f'the admin secret is for "{admin.username}", the user whose password changes',
                hint="name the secret of another administrator in masterarn",
            )
        return admin

    def _findings(
        self, admin: RabbitmqSecret, live: RabbitmqSecret, rotation: Rotation
    ) -> list[Finding]:
        user = _read_user(admin, live.username, rotation)
        found = [finding.ok(f"reached {admin.address}, and {admin.username} may read users")]
        if not user.stored:
            found.append(
                finding.refusal(
                    f'"{live.username}" has no password: it is authenticated by something else',
                    f"rabbitmqctl change_password {live.username}",
                )
            )
        elif user.accepts(live.password) is False:
            found.append(
                finding.warning(
                    f'"{live.username}" has another password than the secret; it gets the new one'
                )
            )
        if _ADMINISTRATOR in user.tags:
            say = finding.warning if rotation.allow_privileged else finding.refusal
            found.append(
                say(
                    f'"{live.username}" is an administrator',
                    "if it is meant: rotate rotation set SECRET --allow-privileged",
                )
            )
        if rotation.require_overlap:
            found.append(
                finding.refusal(
                    "a user of RabbitMQ has one password, so the old one dies as the new one is set, and an overlap is "
                    "required",
                    "rotate rotation set --overlap prefer",
                )
            )
        return found

    def _set(self, wanted: RabbitmqSecret, rotation: Rotation, *, doing: str) -> None:
        admin = self._admin(rotation)
        self._prover.forget()
        user = _read_user(admin, wanted.username, rotation)
        if user.accepts(wanted.password):
            return
        algorithm = user.algorithm if user.algorithm in _ALGORITHMS else _DEFAULT
        salt = secrets.token_bytes(4)
        body = {
            "password_hash": hashed(wanted.password, algorithm=_ALGORITHMS[algorithm], salt=salt),
            "hashing_algorithm": algorithm,
            "tags": ",".join(user.tags),
        }
        answer = request(admin, rotation, "PUT", user_path(wanted.username), body)
        checked(answer, admin, doing=doing, admin=True)


def _read_user(admin: RabbitmqSecret, username: str, rotation: Rotation) -> _User:
    answer = request(admin, rotation, "GET", user_path(username))
    checked(answer, admin, doing=READING, admin=True)
    if answer.status == 404 or not isinstance(answer.body, dict):
        raise TargetRefused(
            f'there is no user "{username}" at {admin.address}; nothing was changed',
            hint="rabbitmqctl list_users",
        )
    tags = answer.body.get("tags") or []
    return _User(
        stored=str(answer.body.get("password_hash") or ""),
        algorithm=str(answer.body.get("hashing_algorithm")),
        tags=tuple(tags.split(",") if isinstance(tags, str) else map(str, tags)),
    )


def _tls_findings(secret: RabbitmqSecret) -> list[Finding]:
    if secret.tls:
        return [finding.ok("TLS, and the server's certificate and name are verified")]
    return [
        finding.warning(
            'the management API is reached without encryption ("ssl": false): passwords cross the network in plaintext',
            'configure management.ssl.port in the broker, and leave out "ssl" in the secret',
        )
    ]
