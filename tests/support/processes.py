"""Processes that tests kill: forks of one that has everything imported, so that each costs little to start."""

import multiprocessing

processes = multiprocessing.get_context("forkserver")

# The server starts once in a test session, with what is named here: all that any of the tests has to do with.
processes.set_forkserver_preload(
    [
        "alembic.command",
        "alembic.ddl.postgresql",
        "alembic.ddl.sqlite",
        "psycopg",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
        "tests.support.hammer",
        "tests.support.killed_commits",
        "tests.support.moved",
        "tests.support.older_store",
    ]
)
