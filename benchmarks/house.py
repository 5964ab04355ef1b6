"""A rotator with many PostgreSQL roles to rotate, for measuring."""

import json
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from benchmarks.floor import connect
from rotator.crypto.audit_key import AuditKeyFile
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.manager.manager import SecretsManager
from rotator.model.caller import Caller, CallerKind
from rotator.rotation.engine import Engine
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.registry import RotatorRegistry
from rotator.sdk import SecretValue
from rotator.store.store import Store
from rotator.testing.postgres_server import PostgresServer

ROTATOR = "postgresql-single-user"
CALLER = Caller(kind=CallerKind.LOCAL, name="bench", account="000000000000", region="us-east-1")


@dataclass(frozen=True, slots=True)
class Login:
    """A role and its password."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class BenchHouse:
    """One store in a folder, and an engine without drain."""

    server: PostgresServer
    store: Store
    manager: SecretsManager
    engine: Engine

    @classmethod
    def build(cls, server: PostgresServer, folder: Path) -> "BenchHouse":
        """A new store and keyring in `folder`."""
        keyring = folder / "keys" / "keyring.json"
        create_keyring(keyring)
        store = Store.open(
            f"sqlite:///{folder / 'store.db'}",
            create=True,
            audit_key=AuditKeyFile(folder / "keys" / "audit.key"),
        )
        store.begin_audit()
        sealer = Sealer(FileKeyProvider(keyring))
        engine = Engine(
            store=store,
            sealer=sealer,
            registry=RotatorRegistry.load(),
            policy=EnginePolicy(drain=0.0),
            trust=None,
        )
        return cls(server, store, SecretsManager(store, sealer), engine)

    def new_login(self) -> Login:
        """A new role."""
        login = Login(f"bench_{uuid.uuid4().hex[:12]}", secrets.token_urlsafe(24))
        with connect(self.server, self.server.user, self.server.password) as session:
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            session.execute(
                statement.format(sql.Identifier(login.user), sql.Literal(login.password))
            )
        return login

    def adopt(self, login: Login) -> str:
        """A secret for the role, ready to rotate."""
        value = SecretValue(
            string=json.dumps(
                {
                    "engine": "postgres",
                    "host": self.server.host,
                    "port": self.server.port,
                    "username": login.user,
                    "password": login.password,
                    "ssl": False,
                }
            )
        )
        name = login.user
        self.manager.create_secret(caller=CALLER, request_id="bench", name=name, value=value)
        self.manager.set_rotation(
            caller=CALLER,
            request_id="bench",
            secret_id=name,
            rotator=ROTATOR,
            authority=self.engine.claims(ROTATOR, value),
        )
        return name

    def rotate(self, name: str) -> None:
        """One rotation, which must succeed."""
        report = self.engine.rotate(name, caller=CALLER, request_id="bench")
        if report.failure is not None:
            raise AssertionError(report.failure)
