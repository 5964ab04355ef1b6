"""A session that is kept for long, outside of the pool, whose sessions are for transactions."""

from sqlalchemy import Connection, Engine


def own_session(engine: Engine) -> Connection:
    """One in which each statement commits by itself; `end_session` ends it. Errors are SQLAlchemy's."""
    session = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    session.detach()
    return session


def end_session(session: Connection) -> None:
    """Ends it, also where it was lost."""
    driver = session.connection.dbapi_connection
    if driver is not None:
        driver.close()  # SQLAlchemy would roll back first, and log that it can't
    session.invalidate()
    session.close()
