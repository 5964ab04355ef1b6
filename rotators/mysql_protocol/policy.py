"""What the server asks of a new password. Pure."""

from dataclasses import dataclass, replace

from rotator.sdk import Misconfigured, PasswordPolicy
from rotators.mysql_protocol.server import Server

_TRIES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """Characters that a password has to have at least, of each kind."""

    length: int = 0
    lower: int = 0
    upper: int = 0
    digits: int = 0
    special: int = 0

    def met_by(self, password: str) -> bool:
        """Whether the password is good enough."""
        return (
            len(password) >= self.length
            and sum(map(str.islower, password)) >= self.lower
            and sum(map(str.isupper, password)) >= self.upper
            and sum(map(str.isdigit, password)) >= self.digits
            and sum(not character.isalnum() for character in password) >= self.special
        )


def requirements(server: Server) -> Requirements:
    """Those of the component or plugin that the server has, none where it has none.

    Source: MySQL's manual, "The Password Validation Component"; MariaDB's, "Simple Password Check Plugin".
    """
    if server.mariadb:
        letters = _number(server, "simple_password_check_letters_same_case")
        return Requirements(
            length=_number(server, "simple_password_check_minimal_length"),
            lower=letters,
            upper=letters,
            digits=_number(server, "simple_password_check_digits"),
            special=_number(server, "simple_password_check_other_characters"),
        )
    length = _number(server, "validate_password.length", "validate_password_length")
    level = _text(server, "validate_password.policy", "validate_password_policy")
    if level in {"0", "LOW"}:
        return Requirements(length=length)
    letters = _number(
        server, "validate_password.mixed_case_count", "validate_password_mixed_case_count"
    )
    return Requirements(
        length=length,
        lower=letters,
        upper=letters,
        digits=_number(server, "validate_password.number_count", "validate_password_number_count"),
        special=_number(
            server,
            "validate_password.special_char_count",
            "validate_password_special_char_count",
        ),
    )


def generate(policy: PasswordPolicy, required: Requirements, *, strictness: int = 0) -> str:
    """A password by the rotation's settings that the server takes; longer than they ask where it has to be.

    Args:
        strictness: passwords that it has refused, for what it asks of them is not all to be seen: words of a
            dictionary, and variables that were set a moment ago.

    Raises:
        Misconfigured: the settings leave no such password.
    """
    length = max(policy.length, required.length)
    longer = replace(policy, length=length).stricter(strictness)
    for _ in range(_TRIES):
        password = longer.generate()
        if required.met_by(password):
            return password
    raise Misconfigured(
        "the rotation's password settings leave no password that the server's policy takes",
        hint="let the setting punctuation be true and exclude fewer characters: SHOW VARIABLES LIKE '%password%'",
    )


def _text(server: Server, *names: str) -> str:
    return next((server.variables[name] for name in names if name in server.variables), "")


def _number(server: Server, *names: str) -> int:
    text = _text(server, *names)
    return int(text) if text.isdigit() else 0
