"""Objects that run with their definer's rights, and whose definer is a clone."""

from dataclasses import dataclass

from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained

_DEFINED = """
SELECT 'view', TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS WHERE LEFT(DEFINER, CHAR_LENGTH(%s)) = %s
UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES
WHERE LEFT(DEFINER, CHAR_LENGTH(%s)) = %s
UNION ALL SELECT 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS
WHERE LEFT(DEFINER, CHAR_LENGTH(%s)) = %s
UNION ALL SELECT 'event', EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS
WHERE LEFT(DEFINER, CHAR_LENGTH(%s)) = %s
"""


@dataclass(frozen=True, slots=True, order=True)
class Defined:
    """A view, routine, trigger or event."""

    kind: str
    database: str
    name: str

    def __str__(self) -> str:
        """For messages."""
        return f"{self.kind} {self.database}.{self.name}"


def read_defined(session: Session, user: str) -> list[Defined]:
    """Those that the user defined, as far as the session sees them."""
    begins = f"{user}@"
    with explained("looking for what the clone defined"):
        rows = session.run(_DEFINED, (begins,) * 8)
    return sorted(Defined(str(kind), str(schema), str(name)) for kind, schema, name in rows)
