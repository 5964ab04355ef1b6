"""What SHOW GRANTS says is read as it was meant, and the statements that follow it lead there."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Misconfigured
from rotators.mysql_protocol.following import follow, parts_of_all
from rotators.mysql_protocol.granting import may_grant
from rotators.mysql_protocol.held import ALL, GRANT_OPTION, Held, Kind, columns, parse_held, place
from rotators.mysql_protocol.quoting import account, identifier

NAMES = st.text(alphabet="aTO `'\"@%_,().*ü\\", min_size=1, max_size=6)
USER, HOST = "o'n @`x", "10.%"
NAME = account(USER, HOST)
ORIGINAL = account("o", "%")
SHOWN = f"{identifier(USER)}@{identifier(HOST)}"


@st.composite
def privileges(draw: st.DrawFn, names: list[str]) -> frozenset[Held]:
    """What an account holds on a few things with awkward names."""
    tables = [f"{identifier(names[0])}.{identifier(name)}" for name in names[1:]]
    ons = ["*.*", f"{identifier(names[0])}.*", *tables]
    held: set[Held] = set()
    for on in draw(st.lists(st.sampled_from(ons), unique=True)):
        parts = [*parts_of_all(on), GRANT_OPTION]
        own = draw(st.sets(st.sampled_from(parts)))
        if draw(st.booleans()):
            own = {ALL, *(own & {GRANT_OPTION})}
        elif on in tables:
            names_of_columns = draw(st.sets(st.sampled_from(names)))
            own |= {f"UPDATE ({identifier(name)})" for name in names_of_columns}
        held |= {Held(Kind.PRIVILEGE, on, name) for name in own}
    options = st.dictionaries(st.sampled_from(["`r`@`%`", "`r 2`@`%`"]), st.booleans())
    held |= {Held(Kind.ROLE, "", name, option) for name, option in draw(options).items()}
    dynamic = st.dictionaries(st.sampled_from(["BACKUP_ADMIN", "ROLE_ADMIN"]), st.booleans())
    held |= {Held(Kind.DYNAMIC, "*.*", name, option) for name, option in draw(dynamic).items()}
    proxies = st.dictionaries(st.sampled_from(["`p`@`%`", "``@``"]), st.booleans())
    held |= {Held(Kind.PROXY, on, "PROXY", option) for on, option in draw(proxies).items()}
    return frozenset(held)


@st.composite
def two_accounts(draw: st.DrawFn) -> tuple[frozenset[Held], frozenset[Held]]:
    """What two accounts hold on the same things."""
    names = draw(st.lists(NAMES, min_size=2, max_size=3, unique=True))
    return draw(privileges(names)), draw(privileges(names))


def parsed(*lines: str) -> frozenset[Held]:
    return parse_held(lines, mariadb=False, account=(USER, HOST))


class Model:
    """A server, as far as one account's privileges go."""

    def __init__(self, held: frozenset[Held]) -> None:
        self.held = set(held)

    def run(self, statement: str) -> None:
        if statement.startswith("GRANT "):
            for each in parsed(statement):
                self._give(each)
            return
        role = re.fullmatch(r"REVOKE (`(?:[^`]|``)*`@`%`) FROM .*", statement, re.DOTALL)
        if role:
            self.held = {h for h in self.held if h.kind is not Kind.ROLE or h.name != role[1]}
            return
        # Its names are read like those of a partial revoke, which is a REVOKE too.
        proxy = statement.startswith("REVOKE PROXY ON ")
        if proxy:
            (taken,) = parsed(statement.replace("REVOKE", "GRANT", 1).replace(" FROM ", " TO "))
            self.held = {h for h in self.held if h.kind is not Kind.PROXY or h.on != taken.on}
            return
        for each in parsed(statement):
            self._take(each)

    def _give(self, each: Held) -> None:
        on = [h for h in self.held if (h.kind, h.on) == (each.kind, each.on)]
        if each.kind is Kind.PRIVILEGE:
            if each.name == ALL:
                self.held -= {h for h in on if h.name != GRANT_OPTION}
            elif any(h.name == ALL for h in on) and each.name != GRANT_OPTION:
                return
        else:
            same = {h for h in on if h.name == each.name}
            self.held -= same
            each = Held(each.kind, each.on, each.name, each.option or any(h.option for h in same))
        self.held.add(each)

    def _take(self, each: Held) -> None:
        on = {h for h in self.held if h.on == each.on and h.kind in (Kind.PRIVILEGE, Kind.DYNAMIC)}
        if each.name == ALL:
            self.held -= {h for h in on if h.name != GRANT_OPTION}
            return
        if each.name != GRANT_OPTION and any(h.name == ALL for h in on):
            self.held.discard(Held(Kind.PRIVILEGE, each.on, ALL))
            self.held |= {Held(Kind.PRIVILEGE, each.on, name) for name in parts_of_all(each.on)}
            on = {h for h in self.held if h.on == each.on}
        # On a table a privilege goes with the same one on its columns.
        self.held -= {h for h in on if each.name in (h.name, columns(h.name)[0])}


@given(two_accounts())
def test_statements_lead_to_what_was_wanted(
    accounts: tuple[frozenset[Held], frozenset[Held]],
) -> None:
    """Read and followed a few times over, whatever one account has becomes what the other has, and stays so."""
    wanted, have = accounts
    model = Model(have)
    for _ in range(4):
        statements = follow(
            wanted, frozenset(model.held), account=NAME, original=ORIGINAL, mariadb=False
        )
        for statement in statements:
            model.run(statement)
        if not statements:
            break
    assert model.held == wanted
    assert follow(wanted, wanted, account=NAME, original=ORIGINAL, mariadb=False) == []


@given(two_accounts())
def test_nothing_that_both_have_is_taken_for_good(
    accounts: tuple[frozenset[Held], frozenset[Held]],
) -> None:
    """An account that has everything wanted and more loses the rest alone."""
    wanted, more = accounts
    plain = frozenset(h for h in wanted | more if h.kind is Kind.PRIVILEGE and h.name != ALL)
    wanted = frozenset(h for h in wanted if h in plain)
    model = Model(plain)
    for statement in follow(wanted, plain, account=NAME, original=ORIGINAL, mariadb=False):
        model.run(statement)
        assert {h for h in wanted if columns(h.name)[1] is None} <= model.held


def line(on: str, names: list[str]) -> str:
    return f"GRANT {', '.join(names)} ON {on} TO {SHOWN}"


@given(st.lists(NAMES, min_size=3, max_size=3, unique=True))
def test_names_of_any_kind_are_read(names: list[str]) -> None:
    """Quotes, dots, commas, brackets and words of the grammar in a name are a name's."""
    database, table, column = map(identifier, names)
    on = f"{database}.{table}"
    read = parsed(
        line(on, ["INSERT", f"SELECT ({column}, `x`)"]), line(f"PROCEDURE {on}", ["EXECUTE"])
    )
    assert read == {
        Held(Kind.PRIVILEGE, on, "INSERT"),
        Held(Kind.PRIVILEGE, on, f"SELECT ({column})"),
        Held(Kind.PRIVILEGE, on, "SELECT (`x`)"),
        Held(Kind.PRIVILEGE, f"PROCEDURE {on}", "EXECUTE"),
    }
    assert place(on) == ("", names[0], names[1])
    assert place(f"PROCEDURE {on}") == ("PROCEDURE", names[0], names[1])
    assert columns(f"SELECT ({column})") == ("SELECT", names[2])


@given(st.text(max_size=40))
def test_lines_of_unknown_form_stop_the_rotation(text: str) -> None:
    """Whatever a line is, it is read or refused, and never another error."""
    for made in (text, f"GRANT {text}", f"GRANT SELECT ON *.* TO {SHOWN} {text}", f"SET {text}"):
        with contextlib.suppress(Misconfigured):
            parsed(made)
    with pytest.raises(Misconfigured, match="SHOW GRANTS"):
        parsed("GRANT SOMETHING NEW TO NOBODY ON EARTH")


def test_lines_of_mariadb() -> None:
    """Passwords, limits, roles and other accounts' lines are told apart."""
    after = "IDENTIFIED BY PASSWORD '*1' REQUIRE SUBJECT '/CN=it''s' WITH GRANT OPTION MAX_STATEMENT_TIME 1.500000"
    read = parse_held(
        [
            "GRANT `r1` TO `u`@`%` WITH ADMIN OPTION",
            f"GRANT PROCESS, BINLOG ADMIN ON *.* TO `u`@`%` {after}",
            "GRANT SELECT ON `d`.* TO `r1`",
            "GRANT UPDATE ON `d`.* TO PUBLIC",
            "GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `u`@`%`",
            "SET DEFAULT ROLE `r1` FOR `u`@`%`",
        ],
        mariadb=True,
        account=("u", "%"),
    )
    assert read == {
        Held(Kind.ROLE, "", "`r1`", option=True),
        Held(Kind.PRIVILEGE, "*.*", "PROCESS"),
        Held(Kind.PRIVILEGE, "*.*", "BINLOG ADMIN"),
        Held(Kind.PRIVILEGE, "*.*", GRANT_OPTION),
        Held(Kind.PRIVILEGE, "PACKAGE BODY `d`.`p`", "EXECUTE"),
    }


def test_partial_revokes_are_followed_both_ways() -> None:
    """A restriction is added by REVOKE, and lifted by GRANT as long as the privilege is there."""
    everywhere = parsed(f"GRANT INSERT ON *.* TO {SHOWN}")
    restricted = everywhere | parsed(f"REVOKE INSERT ON `mysql`.* FROM {SHOWN}")

    def to(wanted: frozenset[Held], have: frozenset[Held]) -> list[str]:
        return follow(wanted, have, account=NAME, original=ORIGINAL, mariadb=False)

    assert to(restricted, everywhere) == [f"REVOKE INSERT ON `mysql`.* FROM {NAME}"]
    assert to(everywhere, restricted) == [f"GRANT INSERT ON `mysql`.* TO {NAME}"]
    assert to(frozenset(), restricted) == [f"REVOKE INSERT ON *.* FROM {NAME}"]


def test_a_restricted_privilege_is_never_wider() -> None:
    """Who doesn't have the privilege gets it with its restrictions in one statement."""
    restricted = parsed(
        f"GRANT INSERT, SELECT ON *.* TO {SHOWN} WITH GRANT OPTION",
        f"REVOKE INSERT ON `mysql`.* FROM {SHOWN}",
    )
    nothing: frozenset[Held] = frozenset()
    given = f"GRANT INSERT, SELECT ON *.* TO {NAME} WITH GRANT OPTION AS {ORIGINAL}"
    followed = [
        follow(restricted, have, account=NAME, original=ORIGINAL, mariadb=False)
        for have in (nothing, parsed(f"GRANT INSERT ON *.* TO {SHOWN}"))
    ]
    assert followed == [
        [given],
        [
            f"GRANT SELECT ON *.* TO {NAME} WITH GRANT OPTION",
            f"REVOKE INSERT ON `mysql`.* FROM {NAME}",
        ],
    ]


@pytest.mark.parametrize(
    ("admins", "on", "may"),
    [
        ("GRANT SELECT ON *.* TO `a`@`%` WITH GRANT OPTION", "`d`.`t`", True),
        ("GRANT SELECT ON *.* TO `a`@`%`", "`d`.`t`", False),
        ("GRANT SELECT ON `d`.* TO `a`@`%` WITH GRANT OPTION", "`d`.`t`", True),
        ("GRANT SELECT ON `d`.* TO `a`@`%` WITH GRANT OPTION", "`e`.`t`", False),
        ("GRANT SELECT ON `d`.* TO `a`@`%` WITH GRANT OPTION", "*.*", False),
        (r"GRANT ALL PRIVILEGES ON `a\_%`.* TO `a`@`%` WITH GRANT OPTION", "`a_x`.`t`", True),
        (r"GRANT ALL PRIVILEGES ON `a\_%`.* TO `a`@`%` WITH GRANT OPTION", "`abx`.`t`", False),
        ("GRANT ALL PRIVILEGES ON `%`.* TO `a`@`%` WITH GRANT OPTION", r"`my\_db`.*", True),
        ("GRANT INSERT ON `d`.`t` TO `a`@`%` WITH GRANT OPTION", "`d`.`t`", False),
        ("GRANT SELECT ON `d`.`t` TO `a`@`%` WITH GRANT OPTION", "`d`.`t`", True),
    ],
)
def test_who_may_pass_on_what(admins: str, on: str, *, may: bool) -> None:
    """An admin needs the privilege and the grant option, each on something that covers it."""
    held = parse_held([admins], mariadb=False, account=None)
    assert may_grant(held, Held(Kind.PRIVILEGE, on, "SELECT")) is may
    assert may_grant(held, Held(Kind.PRIVILEGE, on, "SELECT (`c`)")) is may
