"""The methods by which an account is authenticated, and how a rotation changes them. Pure.

An account of MariaDB 10.4 or later has a list of methods, any of which lets it in. A rotation puts the new password
beside the old one, takes the old one out when it is retired, and leaves every other method where it is.
Source: MariaDB's documentation, "Authentication from MariaDB 10.4", "ALTER USER".
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from rotators.mysql_protocol import ed25519
from rotators.mysql_protocol.quoting import identifier, literal
from rotators.mysql_protocol.verifiers import ED25519, NATIVE, belongs, native_verifier

PASSWORD_PLUGINS = (NATIVE, ED25519)


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method.

    Attributes:
        plugin: its name.
        stored: what the server stores for it; a hash for a password.
        password: the password itself, where it is known and may have to be sent as clear text.
    """

    plugin: str
    stored: str
    password: str | None = field(default=None, repr=False, compare=False)

    def accepts(self, password: str) -> bool:
        """Whether this method lets the password in."""
        return belongs(password, plugin=self.plugin, stored=self.stored)

    @property
    def is_password(self) -> bool:
        """Whether it is one that a rotation can change."""
        return self.plugin in PASSWORD_PLUGINS


def method_for(plugin: str, password: str) -> Method:
    """The method that lets `password` in."""
    hashed = native_verifier(password) if plugin == NATIVE else ed25519.verifier(password)
    return Method(plugin=plugin, stored=hashed, password=password)


def both(
    methods: Sequence[Method], *, current: str, pending: str, left_over: Collection[str]
) -> tuple[Method, ...]:
    """The methods with the pending password before each that has the current one, and without those left over.

    Where no method has either, somebody else set another password: it gives way to the pending one.
    """
    if not any(method.accepts(current) or method.accepts(pending) for method in methods):
        return instead(methods, pending)
    changed: list[Method] = []
    for method in methods:
        if method.accepts(current):
            changed += [
                method_for(method.plugin, pending),
                method_for(method.plugin, current),
            ]
        elif method.accepts(pending):
            changed.append(method_for(method.plugin, pending))
        elif not any(map(method.accepts, left_over)):
            changed.append(method)
    return _distinct(changed)


def only(methods: Sequence[Method], *, kept: str, dropped: Collection[str]) -> tuple[Method, ...]:
    """The methods with `kept` in place of those that `dropped` have."""
    passwords = (kept, *dropped)
    if not any(method.accepts(password) for method in methods for password in passwords):
        return instead(methods, kept)
    changed = (
        method_for(method.plugin, kept) if any(map(method.accepts, passwords)) else method
        for method in methods
    )
    return _distinct(changed)


def instead(methods: Sequence[Method], password: str) -> tuple[Method, ...]:
    """The methods with `password` as the only one."""
    changed = (method_for(m.plugin, password) if m.is_password else m for m in methods)
    return _distinct(changed)


def alter(account: str, methods: Sequence[Method], *, clear_text: bool) -> str:
    """The statement that gives the account these methods.

    Args:
        account: quoted. It is never CURRENT_USER(), for which MariaDB 10.11 reports success and changes nothing.
        methods: at least one.
        clear_text: send passwords as they are, where they are known; else their hashes.
    """
    return f"ALTER USER {account} {identified(methods, clear_text=clear_text)}"


def identified(methods: Sequence[Method], *, clear_text: bool) -> str:
    """The clause of the methods; see `alter`."""
    shown = " OR ".join(_clause(method, clear_text=clear_text) for method in methods)
    return f"IDENTIFIED VIA {shown}"


def _clause(method: Method, *, clear_text: bool) -> str:
    if clear_text and method.password is not None:
        return f"{identifier(method.plugin)} USING PASSWORD({literal(method.password)})"
    if not method.stored and not method.is_password:
        return identifier(method.plugin)
    return f"{identifier(method.plugin)} USING {literal(method.stored)}"


def _distinct(methods: Sequence[Method] | Iterator[Method]) -> tuple[Method, ...]:
    return tuple(dict.fromkeys(methods))
