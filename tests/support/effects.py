"""Tells of every effect of a rotation as it comes, so that a test can strike at each of them.

Only the places are patched in, nothing that a rotation does: the store's commits, the rotator's verbs, and the
messages that change the target.
"""

import contextlib
import functools
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from psycopg import sql
from psycopg.waiting import Wait
from sqlalchemy.engine.default import DefaultDialect

from rotator.store.database import Database
from rotators.databases.facade import DatabaseRotator, SessionTellingRotator
from rotators.databases.limited_socket import LimitedSocket
from rotators.functions.rotator import FunctionRotator
from rotators.ldap.session import Session as LdapSession
from rotators.mysql_protocol import session as mysql_sessions
from rotators.mysql_protocol.alternating_users import (
    AlternatingUsersRotator as MysqlAlternatingUsers,
)
from rotators.mysql_protocol.single_user import SingleUserRotator as MysqlSingleUser
from rotators.postgresql import AlternatingUsers, SingleUser
from rotators.postgresql import session as sessions
from rotators.postgresql.network import wait_for_socket
from rotators.redis import RedisAcl
from rotators.redis.session import Session as RedisSession

VERBS = (
    "preflight",
    "create_secret",
    "set_secret",
    "test_secret",
    "probe",
    "revert_secret",
    "end_older_sessions",
    "retire_secret",
    "in_use",
    "end_use",
)
FUNCTION_VERBS = ("create_secret", "set_secret", "test_secret", "finish_secret")
CHANGE = "change of the target"
_CHANGES = re.compile(
    r"\b(ALTER|CREATE|GRANT|REVOKE|COMMIT|SET PASSWORD|SET DEFAULT ROLE|SETUSER|ACL SAVE|CONFIG REWRITE)\b"
)

Act = Callable[[str], None]


class _Watch:
    """Effects of the thread that entered the watch; what `act` itself does is none."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._thread = threading.get_ident()
        self._acting = False
        self._changing = False

    def reach(self, name: str) -> None:
        if self._acting or threading.get_ident() != self._thread:
            return
        self._acting = True
        try:
            self._act(name)
        finally:
            self._acting = False

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"{name}: before")
            result = call(*args, **kwargs)
            self.reach(f"{name}: after")
            return result

        return watched

    def execute(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def watched(session: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
            text = query.as_string(session) if isinstance(query, sql.Composable) else str(query)
            if isinstance(session, RedisSession):
                text = " ".join((query, *args))
            if self._acting or not _CHANGES.search(text):
                return call(session, query, *args, **kwargs)
            return changing(session, query, *args, **kwargs)

        changing = self.change(call)
        return watched

    def change(self, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.reach(f"{CHANGE}: before")
            self._changing = True
            try:
                result = call(*args, **kwargs)
            finally:
                self._changing = False
            self.reach(f"{CHANGE}: after")
            return result

        return watched

    def waiting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Names the moment when the whole message is on its way: psycopg waits to read alone then."""

        @functools.wraps(call)
        def watched(descriptor: int, wanted: Wait, **kwargs: Any) -> Any:
            if self._changing and wanted == Wait.R:
                self._changing = False
                self.reach(f"{CHANGE}: sent")
            return call(descriptor, wanted, **kwargs)

        return watched

    def writing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Names the moment when PyMySQL, redis-py or ldap3 has written the whole of a change."""

        @functools.wraps(call)
        def watched(session: Any, data: bytes) -> None:
            call(session, data)
            if self._changing:
                self._changing = False
                self.reach(f"{CHANGE}: sent")

        return watched

    def transaction(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Reached when the store has been let go, for whoever wants to use it there."""

        @contextlib.contextmanager
        def watched(*args: Any, **kwargs: Any) -> Iterator[Any]:
            with call(*args, **kwargs) as tx:
                yield tx
            self.reach(f"{name}: over")

        return watched


@contextlib.contextmanager
def effects(act: Act, *, transactions: bool = False) -> Iterator[None]:
    """Calls `act` with the name of each effect of this thread, in the middle of what has it.

    Args:
        transactions: name the ends of the store's transactions, where the store is free again, in place of what is
            before and after each commit.
    """
    watch = _Watch(act)
    with contextlib.ExitStack() as patches:

        def replace(owner: Any, name: str, made: Callable[..., Any]) -> None:
            patches.enter_context(patch.object(owner, name, made))

        if transactions:
            replace(Database, "write", watch.transaction("write", Database.write))
        else:
            replace(DefaultDialect, "do_commit", watch.around("commit", DefaultDialect.do_commit))
        owners = (
            DatabaseRotator,
            SessionTellingRotator,
            SingleUser,
            AlternatingUsers,
            MysqlSingleUser,
            MysqlAlternatingUsers,
            RedisAcl,
        )
        for verb in VERBS:
            for owner in owners:
                if verb in vars(owner):
                    replace(owner, verb, watch.around(verb, vars(owner)[verb]))
        for verb in FUNCTION_VERBS:
            replace(FunctionRotator, verb, watch.around(verb, vars(FunctionRotator)[verb]))
        for way in ("execute", "ask"):
            replace(sessions.Session, way, watch.execute(getattr(sessions.Session, way)))
        replace(sessions, "wait_for_socket", watch.waiting(wait_for_socket))
        mysql_session = mysql_sessions.Session
        replace(mysql_session, "run", watch.execute(mysql_session.run))
        replace(mysql_session, "_write_bytes", watch.writing(mysql_session._write_bytes))
        replace(RedisSession, "run", watch.execute(RedisSession.run))
        replace(LdapSession, "modify", watch.change(LdapSession.modify))
        replace(LimitedSocket, "sendall", watch.writing(LimitedSocket.sendall))
        yield
