"""Our SCRAM verifiers against libpq's and a real server's."""

import base64

from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq, sql

from rotators.postgresql import scram
from tests.support.postgres import DatabaseServer, Role

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=128)


def test_verifier_is_the_one_of_libpq(pg18: DatabaseServer) -> None:
    """With the same salt the verifier of any printable ASCII password equals libpq's to the letter."""
    with pg18.connect() as session:

        @given(PRINTABLE)
        def agree(password: str) -> None:
            theirs = _of_libpq(session.pgconn, password)
            salt = base64.b64decode(theirs.split("$")[1].split(":")[1])
            assert not scram.needs_preparation(password)
            assert scram.keys(password, salt=salt).verifier == theirs

        agree()


def test_a_password_set_by_its_verifier_logs_in(pg: DatabaseServer) -> None:
    """The server takes the verifier and then the password, and no other password."""
    role = pg.new_role()
    password = "a 'quoted' \"pass\\word\" of ~ printable ASCII"
    verifier = scram.keys(password, salt=bytes(range(scram.SALT_LENGTH))).verifier
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
    pg.execute(statement.format(sql.Identifier(role.name), sql.Literal(verifier)))

    assert pg.can_log_in(Role(name=role.name, password=password))
    assert not pg.can_log_in(role)


@given(st.text(st.characters(min_codepoint=0x7F), min_size=1))
def test_other_characters_are_left_to_libpq(password: str) -> None:
    """A password that SASLprep might change is not prepared here."""
    assert scram.needs_preparation(password)


def _of_libpq(connection: pq.abc.PGconn, password: str) -> str:
    made = connection.encrypt_password(password.encode(), b"app", b"scram-sha-256")
    return made.decode()
