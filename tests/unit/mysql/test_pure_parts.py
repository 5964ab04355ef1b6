"""The secret's JSON, names, privileges, policies, and the rules of releases that no test server has."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Authority, Level, Misconfigured, Overlap, PasswordPolicy, SecretValue
from rotators.mariadb import SingleUser as MariadbSingleUser
from rotators.mariadb.accounts import parse_only_method
from rotators.mariadb.methods import Method, alter, both, method_for, only
from rotators.mysql import SingleUser as MysqlSingleUser
from rotators.mysql.accounts import parse_own
from rotators.mysql.findings import OLDEST, overlap_findings, overlap_for
from rotators.mysql_protocol.grants import Grants, parse_grants
from rotators.mysql_protocol.policy import Requirements, generate, requirements
from rotators.mysql_protocol.quoting import account, split_account
from rotators.mysql_protocol.secret import MARIADB, MYSQL, parse
from rotators.mysql_protocol.server import Server, server_findings, version_numbers
from rotators.mysql_protocol.several_methods import HANDLERS
from tests.support.rotations import rotation_of

COMPLETE = {
    "engine": "mysql",
    "host": "db.example",
    "username": "app",
    "password": "p",
    "masterarn": "arn:admin",
}


def secret(**fields: Any) -> SecretValue:
    return SecretValue.from_json({k: v for k, v in (COMPLETE | fields).items() if v is not None})


def server(
    version: str, *, mariadb: bool = False, variables: dict[str, str] | None = None
) -> Server:
    return Server(
        version=version_numbers(version),
        text=version,
        mariadb=mariadb,
        user="app",
        account_host="%",
        variables=variables or {},
    )


class TestSecret:
    def test_claims(self) -> None:
        """A rotation acts on the secret's own user, at MySQL's port where none is named."""
        expected = Authority(host="db.example", port=3306, admin="arn:admin", users=("app",))
        assert MysqlSingleUser().claims(secret()) == expected
        assert MysqlSingleUser().claims(secret(engine="aurora-mysql")) == expected
        assert MariadbSingleUser().claims(secret(engine="mariadb")) == expected

    @pytest.mark.parametrize(("engine", "product"), [("mariadb", MYSQL), ("mysql", MARIADB)])
    def test_engines_are_told_apart(self, engine: str, product: Any) -> None:
        """The secret of one product is not the other's."""
        with pytest.raises(Misconfigured, match='"engine"'):
            parse(secret(engine=engine), product)

    def test_plaintext_is_what_ssl_false_says_and_nothing_else(self) -> None:
        """Without a word about it the connection is verified TLS."""
        assert parse(secret(), MYSQL).tls
        assert parse(secret(ssl=True), MYSQL).tls
        assert not parse(secret(ssl=False), MYSQL).tls
        assert not parse(secret(ssl="false"), MYSQL).tls

    def test_names_may_have_their_products_length(self) -> None:
        """32 characters on MySQL, 80 on MariaDB."""
        assert parse(secret(username="ü" * 32), MYSQL).username == "ü" * 32
        with pytest.raises(Misconfigured, match="32 characters"):
            parse(secret(username="x" * 33), MYSQL)
        assert parse(secret(engine="mariadb", username="x" * 80), MARIADB).username == "x" * 80
        with pytest.raises(Misconfigured, match="80 characters"):
            parse(secret(engine="mariadb", username="x" * 81), MARIADB)

    def test_password_is_in_no_repr(self) -> None:
        """The parsed secret and methods can be logged by accident without harm."""
        assert "hidden" not in repr(parse(secret(password="hidden"), MYSQL))
        assert "hidden" not in repr(method_for("mysql_native_password", "hidden"))


@given(user=st.text(max_size=20), host=st.text("abc.%_", max_size=20))
def test_accounts_are_quoted_and_split(user: str, host: str) -> None:
    """Quotes are doubled and nothing else changes; CURRENT_USER()'s text gives both parts back."""
    quoted = account(user, host)
    assert quoted == f"""'{user.replace("'", "''")}'@'{host}'"""
    assert split_account(f"{user}@{host}") == (user, host)


class TestOverlapOfReleases:
    """Releases before 8.0.14 know one password, whatever the privileges are."""

    @pytest.mark.parametrize(
        ("version", "privilege", "admin", "expected"),
        [
            ("5.7.44", "CREATE USER", True, Overlap.GAP),
            ("8.0.13", "APPLICATION_PASSWORD_ADMIN", False, Overlap.GAP),
            ("8.0.14", "APPLICATION_PASSWORD_ADMIN", False, Overlap.DUAL),
            ("8.0.14", "CREATE USER", False, Overlap.DUAL),
            ("8.4.0", "ALL PRIVILEGES", False, Overlap.DUAL),
            ("8.4.0", "SELECT", False, Overlap.GAP),
            ("8.4.0", "SELECT", True, Overlap.DUAL),
        ],
    )
    def test_best_overlap(
        self, version: str, privilege: str, admin: bool, expected: Overlap
    ) -> None:
        """Version and privileges decide."""
        grants = Grants(everywhere=frozenset({privilege}))
        assert overlap_for(server(version), grants, admin=admin) is expected

    @pytest.mark.parametrize("required", [False, True])
    def test_what_5_7_is_told(self, required: bool) -> None:
        """A server without dual passwords is warned of, or refused where an overlap is required."""
        (found,) = overlap_findings(
            Overlap.GAP,
            server("5.7.44"),
            rotation_of({}, require_overlap=required),
            name="'app'@'%'",
        )
        assert found.level is (Level.REFUSAL if required else Level.WARNING)
        assert found.remedy == "upgrade the server"

    @pytest.mark.parametrize(("version", "level"), [("5.7.5", "refusal"), ("5.7.6", "ok")])
    def test_the_oldest_release(self, version: str, level: str) -> None:
        """5.7.6 is the first with ALTER USER for passwords."""
        found = list(server_findings(server(version), MYSQL, oldest=OLDEST))
        assert [finding.level for finding in found] == [Level(level)]

    def test_an_older_mariadb(self) -> None:
        """Methods came with 10.4."""
        found = list(
            server_findings(server("10.3.39-MariaDB", mariadb=True), MARIADB, oldest=(10, 4))
        )
        assert [finding.level for finding in found] == [Level.REFUSAL]


def test_grants() -> None:
    """Privileges on everything count, and those on the system schema; others don't."""
    found = parse_grants(
        [
            "GRANT SELECT, CREATE USER ON *.* TO `a`@`%` WITH GRANT OPTION",
            "GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO `a`@`%`",
            "GRANT SUPER ON `shop`.* TO `a`@`%`",
            "GRANT UPDATE ON `mysql`.* TO `a`@`%`",
        ]
    )
    assert found.everywhere == {
        "APPLICATION_PASSWORD_ADMIN",
        "CREATE USER",
        "GRANT OPTION",
        "SELECT",
    }
    assert found.powers == ("CREATE USER", "GRANT OPTION", "changes of the schema mysql")
    assert parse_grants(["GRANT USAGE ON *.* TO `a`@`%`"]).powers == ()


def test_own_account_of_5_7_and_8() -> None:
    """What SHOW CREATE USER says of plugin and limits."""
    old = parse_own(
        "CREATE USER 'a'@'%' IDENTIFIED WITH 'mysql_native_password' AS '*X' REQUIRE NONE"
    )
    assert (old.plugin, old.failures, old.history) == ("mysql_native_password", 0, None)
    new = parse_own(
        "CREATE USER `a`@`%` IDENTIFIED WITH 'caching_sha2_password' AS <secret> REQUIRE NONE PASSWORD HISTORY 5 "
        "FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1"
    )
    assert (new.plugin, new.failures, new.history) == ("caching_sha2_password", 3, 5)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Requirements()),
        (
            {"validate_password.length": "8", "validate_password.policy": "LOW"},
            Requirements(length=8),
        ),
        (
            {
                "validate_password_length": "12",
                "validate_password_policy": "STRONG",
                "validate_password_mixed_case_count": "2",
                "validate_password_number_count": "3",
                "validate_password_special_char_count": "4",
            },
            Requirements(length=12, lower=2, upper=2, digits=3, special=4),
        ),
    ],
)
def test_requirements(variables: dict[str, str], expected: Requirements) -> None:
    """The component's variables and the old plugin's are understood."""
    assert requirements(server("8.4.0", variables=variables)) == expected


def test_passwords_by_policy() -> None:
    """A password is as long and as varied as the server asks, or the settings are told to be in the way."""
    asked = Requirements(length=40, lower=4, upper=4, digits=4, special=8)
    password = generate(PasswordPolicy(), asked)
    assert asked.met_by(password)
    assert len(password) == 40
    with pytest.raises(Misconfigured, match="no password that the server's policy takes"):
        generate(PasswordPolicy(punctuation=False), asked)


def test_passwords_after_a_refusal() -> None:
    """A password that was refused gives way to a longer one, of more characters of each kind, within the settings."""
    stricter = Requirements(length=64, lower=8, upper=8, digits=8, special=8)
    assert stricter.met_by(generate(PasswordPolicy(), Requirements(), strictness=1))
    assert generate(PasswordPolicy(punctuation=False), Requirements(), strictness=2).isalnum()
    assert len(generate(PasswordPolicy(length=100), Requirements(), strictness=9)) == 128


class TestMethods:
    """How the list of methods of a MariaDB account changes."""

    OLD = method_for("mysql_native_password", "old")
    NEW = method_for("mysql_native_password", "new")
    OTHER = Method(plugin="pam", stored="mariadb")

    def test_the_new_one_comes_before_the_old_one(self) -> None:
        """Other methods keep their places."""
        changed = both([self.OTHER, self.OLD], current="old", pending="new", left_over=())
        assert changed == (self.OTHER, self.NEW, self.OLD)
        assert both(changed, current="old", pending="new", left_over=()) == changed

    def test_the_previous_one_goes(self) -> None:
        """Two passwords at most."""
        changed = both([self.NEW, self.OLD], current="new", pending="newer", left_over=["old"])
        newer = method_for("mysql_native_password", "newer")
        assert changed == (newer, self.NEW)

    def test_back_and_retired(self) -> None:
        """Both ways end with one password, repeated or not."""
        during = (self.OTHER, self.NEW, self.OLD)
        assert only(during, kept="old", dropped=["new"]) == (self.OTHER, self.OLD)
        assert only(during, kept="new", dropped=["old"]) == (self.OTHER, self.NEW)
        assert only((self.NEW,), kept="new", dropped=["old"]) == (self.NEW,)

    def test_an_unknown_password_gives_way(self) -> None:
        """An account that somebody else changed gets the new password alone."""
        strange = method_for("ed25519", "strange")
        changed = both([strange, self.OTHER], current="old", pending="new", left_over=())
        assert changed == (method_for("ed25519", "new"), self.OTHER)

    def test_the_statement(self) -> None:
        """Hashes and services are quoted; clear text is sent on request alone."""
        methods = [self.NEW, Method(plugin="unix_socket", stored=""), self.OTHER]
        statement = alter("'a'@'%'", methods, clear_text=False)
        assert statement == (
            f"ALTER USER 'a'@'%' IDENTIFIED VIA `mysql_native_password` USING '{self.NEW.stored}' "
            "OR `unix_socket` OR `pam` USING 'mariadb'"
        )
        assert "PASSWORD('new')" in alter("'a'@'%'", methods, clear_text=True)

    @pytest.mark.parametrize(
        ("text", "plugin"),
        [
            ("CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*X'", "mysql_native_password"),
            ("CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'X' REQUIRE SSL", "ed25519"),
            ("CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'X' OR unix_socket", None),
            ("CREATE USER `a`@`%` IDENTIFIED VIA unix_socket OR ed25519 USING 'X'", None),
            ("CREATE USER `a`@`%` IDENTIFIED VIA unix_socket", None),
            ("CREATE USER `a`@`%`", None),
        ],
    )
    def test_the_only_method(self, text: str, plugin: str | None) -> None:
        """What SHOW CREATE USER says where there is one method with a hash."""
        found = parse_only_method(text)
        assert (None if found is None else found.plugin) == plugin


def test_questions_that_cant_be_answered_are_handed_back() -> None:
    """Another plugin than those of passwords ends the exchange; the caller sees the server's question."""

    class Packet:
        def read_all(self) -> bytes:
            return b"challenge"

    class Silent:
        password = b"p"

    handler = HANDLERS["client_ed25519"](Silent())
    handler._plugin = b"dialog"
    packet = Packet()
    assert handler.authenticate(packet) is packet
