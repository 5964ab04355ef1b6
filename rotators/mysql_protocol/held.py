"""All that an account holds, as SHOW GRANTS tells. Pure.

The text is read rather than the tables of the schema `mysql`: it is what the server itself takes in a GRANT, with
patterns, column lists, dynamic privileges and whatever a later release adds, whereas the tables name privileges by
columns and bits that differ between releases, and one that isn't known here would be left out silently. A line that
is not understood is an error, never skipped.
Source: MySQL's manual, "SHOW GRANTS Statement"; MariaDB's documentation, "SHOW GRANTS".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from rotator.sdk import Misconfigured
from rotators.mysql_protocol.quoting import identifier

ALL = "ALL PRIVILEGES"
GRANT_OPTION = "GRANT OPTION"
EVERYWHERE = "*.*"


class Kind(StrEnum):
    """What an account can hold."""

    PRIVILEGE = "privilege"  # on everything, a database, a table, columns, a routine
    DYNAMIC = (
        "dynamic privilege"  # MySQL 8: registered by name, each with a grant option of its own
    )
    RESTRICTION = "partial revoke"  # MySQL 8: what a privilege on everything doesn't reach
    ROLE = "role"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """One thing that an account holds.

    Attributes:
        on: what it is on, as statements name it: `*.*`, "`d`.`t`", "PROCEDURE `d`.`p`"; for a proxy the account, for
            a role nothing.
        name: the privilege with its one column if it has one, "SELECT (`a`)", or the role as statements name it. A
            grant option on something is a privilege of its own there.
        option: it may be passed on: for dynamic privileges, roles and proxies.
    """

    kind: Kind
    on: str
    name: str
    option: bool = False

    def __str__(self) -> str:
        """In the words of a GRANT."""
        where = f" ON {self.on}" if self.on else ""
        return f"{self.name}{where}{' with its option' if self.option else ''}"


_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>`(?:[^`]|``)*`|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<mark>[(),.*@])|(?P<word>[^\s`'\"(),.*@]+))"
)
_KINDS_OF_ROUTINE = ("PROCEDURE", "FUNCTION", "PACKAGE", "BODY", "TABLE", "LIBRARY")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    def is_word(self, word: str) -> bool:
        return not self.quoted and self.text == word


def parse_held(
    lines: Iterable[str], *, mariadb: bool, account: tuple[str, str] | None
) -> frozenset[Held]:
    """What the lines of SHOW GRANTS say.

    Args:
        lines: as the server answered under `NO_BACKSLASH_ESCAPES` and without `ANSI_QUOTES`.
        mariadb: whose the server is.
        account: user and host whose grants count; lines of others, as of roles, which MariaDB lists too, are left out.
            None for all.

    Raises:
        Misconfigured: a line has a form that isn't known here.
    """
    held: set[Held] = set()
    for line in lines:
        try:
            held.update(_Line(line, mariadb=mariadb).read(account))
        except (IndexError, ValueError):
            raise Misconfigured(
                f"a line of SHOW GRANTS has a form that this rotator doesn't know: {line.partition(' IDENTIFIED ')[0]}",
                hint="report it with the server's version; the single-user rotator doesn't need to read it",
            ) from None
    return frozenset(held)


def place(on: str) -> tuple[str, str, str]:
    """Kind of routine (empty for tables and databases), database and object of what a privilege is on."""
    tokens = _tokens(on)
    keyword = " ".join(token.text for token in tokens[:-3])
    database, _, name = (token.text for token in tokens[-3:])
    return keyword, database, name


def columns(name: str) -> tuple[str, str | None]:
    """The privilege, and its column where it has one."""
    privilege, opening, column = name.partition(" (")
    return privilege, _tokens(column[:-1])[0].text if opening else None


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(text)
        position = match.end()
        quoted = match["quoted"]
        if quoted:
            mark = quoted[0]
            tokens.append(_Token(quoted[1:-1].replace(mark * 2, mark), quoted=True))
        else:
            tokens.append(_Token(match["mark"] or match["word"]))
    return tokens


class _Line:
    """One line, read from left to right."""

    def __init__(self, line: str, *, mariadb: bool) -> None:
        self._tokens = _tokens(line)
        self._mariadb = mariadb
        self._at = 0

    def read(self, account: tuple[str, str] | None) -> list[Held]:
        verb = self._next().text
        if verb == "SET":  # MariaDB's SET DEFAULT ROLE; default roles are read from the catalogue
            return []
        if verb not in ("GRANT", "REVOKE"):
            raise ValueError(verb)
        if self._is_of_roles():
            roles = self._roles()
            grantee, option = self._grantee("TO"), self._has_option("ADMIN")
            held = [Held(Kind.ROLE, "", role, option) for role in roles]
        else:
            held, grantee = self._privileges(revoked=verb == "REVOKE")
        return held if account is None or grantee == account else []

    def _is_of_roles(self) -> bool:
        """Whether no ON comes before the grantee."""
        words = [token.text for token in self._tokens if not token.quoted]
        return "ON" not in words[: words.index("TO")] if "TO" in words else False

    def _roles(self) -> list[str]:
        roles = []
        while True:
            name = identifier(self._next().text)
            if self._skip("@"):
                name += "@" + identifier(self._next().text)
            roles.append(name)
            if not self._skip(","):
                return roles

    def _privileges(self, *, revoked: bool) -> tuple[list[Held], tuple[str, str]]:
        names = self._names()
        if names == ["PROXY"]:
            on = "@".join(map(identifier, self._account()))
            grantee = self._grantee("TO")
            return [Held(Kind.PROXY, on, "PROXY", self._has_option("GRANT"))], grantee
        on = self._object()
        grantee = self._grantee("FROM" if revoked else "TO")
        option = self._has_option("GRANT")
        dynamic = not self._mariadb and on == EVERYWHERE and all("_" in name for name in names)
        if revoked:
            return [Held(Kind.RESTRICTION, on, name) for name in names], grantee
        if dynamic:
            return [Held(Kind.DYNAMIC, on, name, option) for name in names], grantee
        names += [GRANT_OPTION] if option else []
        return [Held(Kind.PRIVILEGE, on, name) for name in names if name != "USAGE"], grantee

    def _names(self) -> list[str]:
        names: list[str] = []
        words: list[str] = []
        while not self._skip("ON"):
            if self._skip(","):
                words = []
            elif self._skip("("):
                privilege = " ".join(words)
                names.remove(privilege)
                names += [f"{privilege} ({identifier(column)})" for column in self._columns()]
            else:
                if words:
                    names.remove(" ".join(words))
                words.append(self._word())
                names.append(" ".join(words))
        return names

    def _columns(self) -> list[str]:
        found = [self._next().text]
        while self._skip(","):
            found.append(self._next().text)
        self._expect(")")
        return found

    def _object(self) -> str:
        keywords = []
        while not self._peek().quoted and self._peek().text in _KINDS_OF_ROUTINE:
            keywords.append(self._next().text)
        database = self._part()
        self._expect(".")
        name = f"{database}.{self._part()}"
        return " ".join([*(each for each in keywords if each != "TABLE"), name])

    def _part(self) -> str:
        token = self._next()
        return "*" if token.is_word("*") else identifier(token.text)

    def _grantee(self, word: str) -> tuple[str, str]:
        self._expect(word)
        return self._account()

    def _account(self) -> tuple[str, str]:
        user = self._next().text
        return (user, self._next().text) if self._skip("@") else (user, "")

    def _has_option(self, of: str) -> bool:
        rest: Sequence[_Token] = self._tokens[self._at :]
        return any(
            first.is_word(of) and second.is_word("OPTION") for first, second in pairwise(rest)
        )

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _word(self) -> str:
        token = self._next()
        if token.quoted:
            raise ValueError(token.text)
        return token.text

    def _skip(self, text: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at].is_word(text)
        self._at += found
        return found

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise ValueError(text)
