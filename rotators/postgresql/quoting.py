"""Names in the statements that messages show; what goes to a server is composed by `psycopg.sql`."""


def identifier(name: str) -> str:
    """`name` as an SQL identifier, always quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"
