"""What the demo does, in the order in which it is told."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rotator.cli.commands.demo import narrator
from rotator.cli.commands.demo.clients import Clients
from rotator.cli.commands.demo.target import USER, admin_credential, log_in, prepare, refusal
from rotator.cli.commands.init import make_home
from rotator.cli.session import Session
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.sdk import SecretValue
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import PostgresServer, running_postgres

SECRET = "demo/app"  # noqa: S105  # a name
ADMIN_SECRET = "demo/admin"  # noqa: S105  # a name
_CLIENTS = 3
_LOGINS_BETWEEN = 90


@dataclass(frozen=True, slots=True)
class _Store:
    """The secrets of the demo, by the calls that an application and an operator make."""

    session: Session

    def create(self, name: str, credential: Mapping[str, Any]) -> str:
        """Stores a credential, and gives the secret's ARN."""
        return self.session.manager.create_secret(
            **self._who(), name=name, value=SecretValue.from_json(credential)
        ).arn

    def fetch(self) -> dict[str, Any]:
        """The application's credential; waits at the read barrier, as every application does."""
        return self.session.manager.get_secret_value(**self._who(), secret_id=SECRET).value.fields()

    def set_rotation(self, rotator: str, *, admin: str | None = None) -> None:
        """Chooses the rotator, and pins what the credential names, with the admin secret's ARN."""
        value = SecretValue.from_json(self.fetch())
        claimed = self.session.engine.claims(rotator, value)
        self.session.manager.set_rotation(
            **self._who(),
            secret_id=SECRET,
            rotator=rotator,
            authority=replace(claimed, admin=admin),
            options=RotationOptions(),
        )

    def rotate(self) -> bool:
        """Rotates the application's credential, telling each step; whether it succeeded."""
        with narrator.steps() as observer:
            report = self.session.engine.rotate(SECRET, **self._who(), observer=observer)
        narrator.labels(report.labels_before, report.labels_after)
        if report.failure is not None:
            narrator.fault(f"{report.failure.phase}: {report.failure.message}")
        return report.status is Status.SUCCEEDED

    def _who(self) -> dict[str, Any]:
        return {"caller": self.session.caller, "request_id": self.session.request_id}


def tell() -> bool:
    """Plays the demo; whether everything went as it has to."""
    narrator.title("A real PostgreSQL password changes while clients keep logging in")
    with ExitStack() as stack:
        with narrator.timed("A private PostgreSQL server starts"):
            server = stack.enter_context(running_postgres(embedded_binaries()))
            credential = prepare(server)
        narrator.note(f"PostgreSQL {_version(server)} at {server.host}:{server.port}, role {USER}")
        with narrator.timed("A store and its sealing key are made; the credential goes into it"):
            store = _Store(stack.enter_context(_session()))
            store.create(SECRET, credential)
            admin = store.create(ADMIN_SECRET, admin_credential(server))
        clients = Clients(store.fetch, log_in)
        stack.enter_context(clients.running(_CLIENTS))
        narrator.note(f"{_CLIENTS} clients fetch the credential and log in, over and over")
        done = _single_user(store, clients) and _alternating(store, clients, admin=admin)
        stack.close()
        tally = clients.tally()
    narrator.total(tally)
    narrator.next_steps()
    return done and not tally.failures


def _single_user(store: _Store, clients: Clients) -> bool:
    narrator.chapter("Single user: the password changes in place")
    before = store.fetch()
    store.set_rotation("postgresql-single-user")
    if not _rotate_under_load(store, clients):
        return False
    said = refusal(before)
    narrator.proof(
        said is not None,
        f"the old password of {USER} is refused: {said}",
        f"the old password of {USER} still works",
    )
    return said is not None


def _alternating(store: _Store, clients: Clients, *, admin: str) -> bool:
    narrator.chapter("Alternating users: two roles take turns")
    before = store.fetch()
    store.set_rotation("postgresql-alternating-users", admin=admin)
    if not _rotate_under_load(store, clients):
        return False
    said = refusal(before)
    user = log_in(store.fetch())
    narrator.proof(
        said is None,
        f"the old login, {before['username']}, still works; clients log in as {user} now",
        f"the old login, {before['username']}, is refused: {said}",
    )
    return said is None


def _rotate_under_load(store: _Store, clients: Clients) -> bool:
    clients.wait_for(_LOGINS_BETWEEN)
    done = store.rotate()
    clients.wait_for(_LOGINS_BETWEEN)
    narrator.count(clients.tally())
    return done


@contextmanager
def _session() -> Iterator[Session]:
    with tempfile.TemporaryDirectory(prefix="rotator-demo-") as folder:
        session = Session(environ={"ROTATOR_HOME": str(Path(folder, "home"))})
        try:
            make_home(session)
            yield session
        finally:
            session.close()


def _version(server: PostgresServer) -> str:
    return f"{server.version // 10000}.{server.version % 10000}"
