"""The settings of roles (ALTER ROLE … SET): what the clone's have to be, and the statements that make them so."""

import csv
from collections.abc import Iterator, Mapping

from psycopg import sql

from rotators.postgresql.clone_facts import RoleSettings, SettingKey

_ROLE = "role"

# Their stored form is a list of quoted names, which SET takes as separate values. Source: variable_is_guc_list_quote()
# in the source of pg_dump, which has the same to do.
_LISTS_OF_NAMES = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)


def acting_role(settings: RoleSettings, *, user: str, database: str) -> str:
    """The role that a session of `user` in `database` acts as, where it may."""
    general = settings.get((None, _ROLE), "none")
    role = settings.get((database, _ROLE), general)
    return user if role == "none" else role


def clone_settings(original: str, settings: RoleSettings) -> dict[SettingKey, str]:
    """The settings that a clone of `original` needs, whose own are `settings`.

    A `role` setting keeps the clone's sessions acting as the original, after RESET ROLE and DISCARD ALL too; where the
    original itself acts as a third role, the clone acts as that.
    """
    wanted = {
        key: text for key, text in settings.items() if not (key[1] == _ROLE and text == "none")
    }
    wanted.setdefault((None, _ROLE), original)
    return wanted


def settings_to_change(wanted: RoleSettings, have: RoleSettings) -> dict[SettingKey, str | None]:
    """What has to be set, and (None) what has to be reset, to come from `have` to `wanted`."""
    changes: dict[SettingKey, str | None] = {
        key: text for key, text in wanted.items() if have.get(key) != text
    }
    return changes | {key: None for key in have if key not in wanted}


def setting_statements(
    user: str, changes: Mapping[SettingKey, str | None]
) -> Iterator[sql.Composed]:
    """ALTER ROLE … SET and RESET for `changes`."""
    for (database, name), text in changes.items():
        place = (
            sql.SQL("")
            if database is None
            else sql.SQL(" IN DATABASE {}").format(sql.Identifier(database))
        )
        subject = sql.SQL("ALTER ROLE {}{}").format(sql.Identifier(user), place)
        parameter = sql.Identifier(*name.split("."))
        if text is None:
            yield sql.SQL("{} RESET {}").format(subject, parameter)
        else:
            values = split_names(text) if name in _LISTS_OF_NAMES else [text]
            literals = sql.SQL(", ").join(map(sql.Literal, values))
            yield sql.SQL("{} SET {} TO {}").format(subject, parameter, literals)


def split_names(text: str) -> list[str]:
    """The names of a stored list such as `"$user", public`, without their quotes."""
    # The server's quoting of such lists is that of CSV.
    return next(csv.reader([text], skipinitialspace=True)) or [""]
