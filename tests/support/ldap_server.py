"""A private directory, for as long as a `with` block lasts, and what the tests do with it."""

import contextlib
import secrets
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rotator.testing.guard import guarded
from rotator.testing.ports import free_port
from rotator.testing.tls import ServerTls, place_certificate
from rotators.ldap.driver import ldap3
from tests.support.debian_slapd import Slapd, SlapdUnavailable
from tests.support.postgres import unique_name
from tests.support.waiting import eventually

HOST = "127.0.0.1"
SUFFIX = "dc=example,dc=com"
POLICIES = f"ou=policies,{SUFFIX}"
_SCHEMAS = ("core", "cosine", "inetorgperson")
_ACCESS = f"""
access to dn.subtree="{POLICIES}" by users read by * none
access to dn.subtree="ou=blind,{SUFFIX}" attrs=userPassword by self =xw by anonymous auth by * none
access to dn.subtree="ou=fixed,{SUFFIX}" attrs=userPassword by self read by anonymous auth by * none
access to attrs=userPassword by dn.exact="cn=admin,{SUFFIX}" write by self write by anonymous auth by * none
access to * by users read by anonymous auth by * none
"""
_INVALID_CREDENTIALS = 49


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An entry with the password that it was made with."""

    dn: str
    password: str = field(repr=False)

    def with_password(self, password: str) -> "Person":
        return replace(self, password=password)


@dataclass
class LdapServer:
    """A running directory; many tests use it at once, each with entries of its own.

    Attributes:
        root: the one whom no rule binds.
        admin: one that may write passwords.
    """

    home: Path
    port: int
    ldaps_port: int
    root: Person
    ca_file: Path
    other_ca_file: Path
    admin: Person = field(init=False)

    host = HOST

    def connect(self, person: Person | None = None) -> Any:
        login = person or self.root
        server = ldap3.Server(HOST, port=self.port, get_info=ldap3.NONE)
        connection = ldap3.Connection(
            server,
            user=login.dn,
            password=login.password.encode(),  # type: ignore[arg-type]
            check_names=False,
        )
        connection.bind()
        return connection

    def can_log_in(self, person: Person) -> bool:
        """Whether the password is accepted; any other reason not to get in is raised."""
        connection = self.connect(person)
        result = connection.result
        connection.unbind()
        assert result["result"] in {0, _INVALID_CREDENTIALS}, result
        return bool(result["result"] == 0)

    def new_person(
        self,
        *,
        rdn: str | None = None,
        ou: str = "services",
        values: Sequence[bytes] = (),
        **attributes: str,
    ) -> Person:
        """An entry with a random password; `values` are further values of userPassword."""
        password = secrets.token_urlsafe(18)
        dn = f"{rdn or 'cn=' + unique_name('app')},ou={ou},{SUFFIX}"
        self.add(dn, "person", sn="x", userPassword=password, **attributes)
        self.set_passwords(dn, password.encode(), *values)
        return Person(dn=dn, password=password)

    def add(self, dn: str, *classes: str, **attributes: Any) -> None:
        connection = self.connect()
        connection.add(dn, list(classes), attributes)
        assert connection.result["result"] == 0, connection.result
        connection.unbind()

    def modify(self, dn: str, **attributes: Any) -> None:
        """Replace attributes as root, whom no policy binds."""
        connection = self.connect()
        changes = {name: [(ldap3.MODIFY_REPLACE, value)] for name, value in attributes.items()}
        connection.modify(dn, changes)
        assert connection.result["result"] == 0, connection.result
        connection.unbind()

    def set_passwords(self, dn: str, *values: bytes) -> None:
        """Give an entry these values, one after the other: ppolicy takes one at a time."""
        self.modify(dn, userPassword=values[0])
        connection = self.connect()
        for value in values[1:]:
            connection.modify(dn, {"userPassword": [(ldap3.MODIFY_ADD, value)]})
            assert connection.result["result"] == 0, connection.result
        connection.unbind()

    def passwords(self, person: Person) -> list[bytes]:
        connection = self.connect()
        connection.search(person.dn, "(objectClass=*)", ldap3.BASE, attributes=["userPassword"])
        values: list[bytes] = connection.response[0]["raw_attributes"]["userPassword"]
        connection.unbind()
        return values

    def new_policy(self, **settings: str) -> str:
        """A policy's DN."""
        dn = f"cn={unique_name('policy')},{POLICIES}"
        plain = {"pwdAttribute": "userPassword", "sn": "x"}
        self.add(dn, "person", "pwdPolicy", **plain | settings)
        return dn

    def secret_value(self, person: Person) -> dict[str, str | int | bool]:
        return {
            "engine": "openldap",
            "host": self.host,
            "port": self.port,
            "username": person.dn,
            "password": person.password,
            "ssl": False,
        }

    def log_text(self) -> str:
        return (self.home / "output").read_text(errors="replace")


@contextlib.contextmanager
def running_slapd(
    slapd: Slapd,
    *,
    certificate: ServerTls,
    ca_file: Path,
    other_ca_file: Path,
    log: str = "trace,stats",
) -> Iterator[LdapServer]:
    """A directory with TLS, policies and SHA-2, whose log has every operation unless told otherwise."""
    home = Path(tempfile.mkdtemp(prefix="rotator-slapd-"))
    with guarded(home, pid_file=home / "slapd.pid", ending=signal.SIGTERM):
        server = LdapServer(
            home=home,
            port=free_port(HOST),
            ldaps_port=free_port(HOST),
            root=Person(dn=f"cn=root,{SUFFIX}", password=secrets.token_urlsafe(18)),
            ca_file=ca_file,
            other_ca_file=other_ca_file,
        )
        (home / "data").mkdir()
        (home / "slapd.conf").write_text(_configuration(slapd, server, certificate))
        urls = f"ldap://{HOST}:{server.port} ldaps://{HOST}:{server.ldaps_port}"
        with (home / "output").open("ab") as output:
            process = subprocess.Popen(
                [*slapd.command, "-d", log, "-f", str(home / "slapd.conf"), "-h", urls],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=home,
                env={"LC_ALL": "C"},
                start_new_session=True,
            )
        try:
            _wait(process, server)
            _fill(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", server: LdapServer) -> None:
    def let_in() -> bool:
        if process.poll() is not None:
            raise SlapdUnavailable(f"slapd ended. The end of its log:\n{server.log_text()[-2000:]}")
        try:
            socket.create_connection((HOST, server.port), timeout=10).close()
        except ConnectionRefusedError:
            return False
        return server.can_log_in(server.root)

    if not eventually(let_in):
        raise SlapdUnavailable(
            f"No login at slapd. The end of its log:\n{server.log_text()[-2000:]}"
        )


def _configuration(slapd: Slapd, server: LdapServer, tls: ServerTls) -> str:
    certificate, key = place_certificate(server.home, None, tls)
    schemas = slapd.root / "etc/ldap/schema"
    return "\n".join(
        [
            *(f"include {schemas / name}.schema" for name in _SCHEMAS),
            f"modulepath {slapd.root / 'usr/lib/ldap'}",
            *(f"moduleload {name}" for name in ("back_mdb", "ppolicy", "pw-sha2")),
            f"pidfile {server.home / 'slapd.pid'}",
            f"TLSCertificateFile {certificate}",
            f"TLSCertificateKeyFile {key}",
            "database mdb",
            f'suffix "{SUFFIX}"',
            f'rootdn "{server.root.dn}"',
            f"rootpw {server.root.password}",
            f"directory {server.home / 'data'}",
            "maxsize 33554432",
            "overlay ppolicy",
            _ACCESS,
        ]
    )


def _fill(server: LdapServer) -> None:
    server.add(SUFFIX, "dcObject", "organization", dc="example", o="x")
    for name in ("services", "policies", "blind", "fixed"):
        server.add(f"ou={name},{SUFFIX}", "organizationalUnit")
    server.admin = Person(dn=f"cn=admin,{SUFFIX}", password=secrets.token_urlsafe(18))
    server.add(server.admin.dn, "person", sn="x", userPassword=server.admin.password)
