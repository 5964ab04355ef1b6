"""Settings from the environment, the file and the defaults, in this order."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qs, quote

from rotator.config.conversion import PLAIN, choice, length
from rotator.config.references import References, is_reference
from rotator.config.settings import CalendarSettings, Settings, check_relations
from rotator.errors import ConfigurationError
from rotator.sdk import SEALING_KEYS_VARIABLE

HOME_VARIABLE = "ROTATOR_HOME"
FILE_VARIABLE = "ROTATOR_CONFIG"
PREFIX = "ROTATOR_"
FILE_IN_HOME = "config.yaml"
_SECRET_KEYS = frozenset(
    {"store.url", "store.password", "keys.sealing_keys", "keys.options", "audit.key"}
)
_PASSWORD = re.compile(r"[^:/]*:[^@]*@")

_Section = TypeVar("_Section")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a process runs with.

    Attributes:
        home: the folder of everything that has no other place.
        file: the YAML file that was read, None where there is none.
        settings: every setting, resolved.
        store_url: `settings.store.url` with the password in it.
        referenced: the environment variables that settings were taken from by `${NAME}`.
    """

    home: Path
    file: Path | None
    settings: Settings
    referenced: frozenset[str]
    store_url: str = field(repr=False)


def load_configuration(*, file: Path | None, environ: Mapping[str, str]) -> Configuration:
    """The configuration.

    The file is `file`, else the one that `ROTATOR_CONFIG` names, else `config.yaml` in the home
    folder where that exists; without one no YAML is loaded.

    Raises:
        ConfigurationError: a setting is unknown or wrong, or a file isn't safe; the message names
            the setting.
    """
    home = home_folder(environ)
    path = _file(file, home=home, environ=environ)
    references = References(variables={**environ, HOME_VARIABLE: str(home)}, home=home)
    reader = _Reader(
        content={} if path is None else _content(path),
        source="" if path is None else f"{path}: ",
        environ=environ,
        references=references,
    )
    settings = reader.section(Settings)
    check_relations(settings)
    if path is not None and reader.literal_secret is not None:
        from rotator.config.yaml_file import check_holds_secret

        check_holds_secret(path, key=reader.literal_secret)
    return Configuration(
        home=home,
        file=path,
        settings=settings,
        referenced=frozenset(references.used - {HOME_VARIABLE}),
        store_url=_with_password(settings),
    )


def home_folder(environ: Mapping[str, str]) -> Path:
    """`$ROTATOR_HOME`, else the platform's folder for a user's data."""
    if named := environ.get(HOME_VARIABLE):
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("rotator", appauthor=False)


def keys(section: type[Any] = Settings, prefix: str = "") -> Iterator[str]:
    """The key of every setting, such as `retry.attempts`."""
    for item in fields(section):
        if is_dataclass(item.type):
            assert isinstance(item.type, type)  # noqa: S101  # sections are classes, never instances
            yield from keys(item.type, f"{prefix}{key_of(item)}.")
        else:
            yield prefix + key_of(item)


def key_of(item: Field[Any]) -> str:
    """What a setting or section is called; its field may have a `_` more, where that is a word of Python's own."""
    return item.name.removesuffix("_")


def variable(key: str) -> str:
    """The environment variable that overrides a setting.

    `retry.attempts` → `ROTATOR_RETRY_ATTEMPTS`.
    """
    return PREFIX + key.replace(".", "_").upper()


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that look like settings and are none.

    They are told by `rotate doctor`, not refused: platforms set such names themselves (a Kubernetes
    service that is called rotator makes ROTATOR_PORT).
    """
    known = {variable(key) for key in keys()}
    known |= {HOME_VARIABLE, FILE_VARIABLE, SEALING_KEYS_VARIABLE}
    return tuple(sorted(name for name in environ if name.startswith(PREFIX) and name not in known))


def _file(file: Path | None, *, home: Path, environ: Mapping[str, str]) -> Path | None:
    if file is not None:
        return file.expanduser()
    if named := environ.get(FILE_VARIABLE):
        return Path(named).expanduser()
    in_home = home / FILE_IN_HOME
    return in_home if os.path.lexists(in_home) else None


def _content(path: Path) -> Mapping[str, Any]:
    from rotator.config.yaml_file import read_yaml

    return read_yaml(path)


@dataclass(slots=True, kw_only=True)
class _Reader:
    """Builds sections from what the file and the environment give.

    Attributes:
        source: what messages about the file's content begin with.
        literal_secret: the key of a secret that stands in the file itself.
    """

    content: Mapping[str, Any]
    source: str
    environ: Mapping[str, str]
    references: References
    literal_secret: str | None = None

    def section(
        self, kind: type[_Section], given: Mapping[str, Any] | None = None, prefix: str = ""
    ) -> _Section:
        given = self.content if given is None else given
        known = {key_of(item): item for item in fields(kind)}  # type: ignore[arg-type]
        for name in given:
            if name not in known:
                self._unknown(name, prefix=prefix, known=known)
        return kind(
            **{item.name: self._member(item, given=given, prefix=prefix) for item in known.values()}
        )

    def _member(self, item: Field[Any], *, given: Mapping[str, Any], prefix: str) -> Any:
        key = prefix + key_of(item)
        if "named" in item.metadata:
            sections = self._mapping(given, item.name, key, each="a section")
            return self._named(item.metadata["named"], sections, key)
        if "lengths" in item.metadata:
            lengths = self._mapping(given, item.name, key, each="a length of time")
            return {
                name: self._length(item, each, f"{key}.{name}") for name, each in lengths.items()
            }
        if "texts" in item.metadata:
            texts = self._mapping(given, item.name, key, each="a text")
            return {
                name: self._text(item, text, key=f"{key}.{name}") for name, text in texts.items()
            }
        if not is_dataclass(item.type):
            return self._setting(item, given=given, key=key)
        assert isinstance(item.type, type)  # noqa: S101  # sections are classes, never instances
        inner = given.get(key_of(item), {})
        if inner is None:
            inner = {}
        if not isinstance(inner, Mapping):
            raise ConfigurationError(
                f"{self.source}{key}: expected a section with settings of its own, "
                f"such as {next(keys(item.type, f'{key}.'))}."
            )
        return self.section(item.type, inner, f"{key}.")

    def _mapping(
        self, given: Mapping[str, Any], name: str, key: str, *, each: str
    ) -> Mapping[str, Any]:
        """What stands under names of the user's own; as a variable it is a JSON object."""
        value = given.get(name)
        if variable(key) in self.environ:
            try:
                value = json.loads(self.environ[variable(key)])
            except ValueError:
                raise ConfigurationError(f"{variable(key)}: expected a JSON object.") from None
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{self.source}{key}: expected names, each with {each}.")
        return {str(name): inner for name, inner in value.items()}

    def _length(self, item: Field[Any], value: Any, key: str) -> float:
        if isinstance(value, str):
            value = self.references.resolve(value, key=key)
        return length(item, value, key=self.source + key)

    def _named(
        self, kind: type[_Section], given: Mapping[str, Any], key: str
    ) -> dict[str, _Section]:
        inner = replace(self, environ={})
        read = {}
        for name, section in given.items():
            if not isinstance(section, Mapping):
                raise ConfigurationError(
                    f"{self.source}{key}.{name}: expected a section with settings of its own."
                )
            read[name] = inner.section(kind, section, f"{key}.{name}.")
        self.literal_secret = inner.literal_secret
        return read

    def _setting(self, item: Field[Any], *, given: Mapping[str, Any], key: str) -> Any:
        name = variable(key)
        if key == "calendars":
            return self._calendars(given.get(key), name=name)
        if name in self.environ:
            text = self.environ[name]
            if item.type == tuple[str, ...]:
                words = (word.strip() for word in text.split(","))
                return tuple(word for word in words if word)
            return self._converted(item, text, key=name)
        if given.get(item.name) is None:
            if item.default is MISSING:
                raise ConfigurationError(f"{self.source}{key}: it has no default. Give it.")
            return self._converted(item, item.default, key=key)
        return self._given(item, given[item.name], key=key)

    def _given(self, item: Field[Any], value: Any, *, key: str) -> Any:
        """What stands in the file."""
        secret = key in _SECRET_KEYS or "secret" in item.metadata
        if secret and isinstance(value, str) and _holds_secret(key, value):
            self.literal_secret = key
        return self._converted(item, value, key=self.source + key)

    def _text(self, item: Field[Any], value: Any, *, key: str) -> str:
        if not isinstance(value, str):
            raise ConfigurationError(f"{self.source}{key}: expected text. Put quotes around it.")
        return str(self._given(item, value, key=key))

    def _calendars(self, given: Any, *, name: str) -> tuple[CalendarSettings, ...]:
        key = self.source + "calendars"
        if name in self.environ:
            given, key = self.environ[name], name
        if not given:
            return ()
        from rotator.config.calendars import read_calendars

        def path(text: str, at: str) -> Path:
            return self.references.home / Path(self.references.resolve(text, key=at)).expanduser()

        return read_calendars(given, key=key, path=path)

    def _converted(self, item: Field[Any], value: Any, *, key: str) -> Any:
        if isinstance(value, Path):
            value = str(value)
        if isinstance(value, str):
            value = self.references.resolve(value, key=key)
        if item.type in PLAIN:
            return PLAIN[item.type](item, value, key=key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ConfigurationError(f"{key}: expected text. Put quotes around it.")
        if item.type in (Path, Path | None):
            return self.references.home / Path(value).expanduser()
        if isinstance(item.type, type) and issubclass(item.type, StrEnum):
            return choice(item.type, value, key=key)
        pattern = item.metadata.get("pattern")
        if pattern is not None and not re.fullmatch(pattern, value):
            raise ConfigurationError(f"{key}: expected {item.metadata['meaning']}.")
        return value

    def _unknown(self, name: object, *, prefix: str, known: Mapping[str, Any]) -> NoReturn:
        from difflib import get_close_matches

        close = get_close_matches(str(name), known, n=1)
        advice = (
            f"Did you mean {prefix}{close[0]}?"
            if close
            else f"There are: {', '.join(prefix + k for k in known)}."
        )
        raise ConfigurationError(f"{self.source}{prefix}{name}: there is no such setting. {advice}")


def _holds_secret(key: str, value: str) -> bool:
    if is_reference(value):
        return False
    return key != "store.url" or _has_password(value)


def _has_password(url: str) -> bool:
    """As SQLAlchemy and the drivers read it: before an @ with whatever characters, or as a parameter."""
    place = url.partition("://")[2]
    return bool(_PASSWORD.match(place)) or "password" in parse_qs(place.partition("?")[2])


def _with_password(settings: Settings) -> str:
    url, password = settings.store.url, settings.store.password
    if password is None:
        return url
    scheme, separator, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    if not (separator and at and user) or ":" in user:
        raise ConfigurationError(
            "store.password is set, but store.url names no user, or has a password of its own. "
            "Write the URL as postgresql+psycopg://USER@HOST/DATABASE, or leave store.password out."
        )
    return f"{scheme}://{user}:{quote(password, safe='')}@{place}"
