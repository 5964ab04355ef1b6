"""What an import reads, line by line: each a secret, or what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rotator.cli.transfer import env_file, json_lines
from rotator.cli.transfer.choices import Form
from rotator.cli.transfer.source import Source
from rotator.errors import InvalidParameter
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.sdk import SecretValue

_LONGEST_LINE = 128 * 1024 * 1024  # a secret with hundreds of versions of the greatest size
_LARGEST_ENV_FILE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line.

    Attributes:
        name: the secret's name, None where it can't be told.
        secret: None where the line can't be imported.
        problem: what is wrong with it, without any value.
    """

    line: int
    name: str | None = None
    secret: PortableSecret | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the lines of a file become secrets.

    Attributes:
        prefix: goes before each name of a `.env` file.
        as_one: the name of the one secret that all of a `.env` file becomes.
    """

    form: Form
    prefix: str = ""
    as_one: str | None = None


def form_of(path: Path) -> Form:
    """The form that a file's name tells; lines of JSON where it tells nothing."""
    return Form.ENV if path.suffix == ".env" or path.name.startswith(".env") else Form.JSONL


def entries(source: Source, layout: Layout) -> Iterator[Entry]:
    """The lines of a source; one with the name of an earlier line can't be imported.

    Raises:
        DecryptionFailure: the source is sealed, and the passphrase is not its own or it was damaged.
        OSError: it can't be read.
    """
    line_of: dict[str, int] = {}
    for entry in _read(source, layout):
        first = entry.line if entry.name is None else line_of.setdefault(entry.name, entry.line)
        if first == entry.line:
            yield entry
        else:
            problem = f"its name is that of line {first} already"
            yield Entry(line=entry.line, name=entry.name, problem=problem)


def _read(source: Source, layout: Layout) -> Iterator[Entry]:
    if layout.form is Form.JSONL:
        return _of_json(source)
    if layout.as_one is None:
        return _of_env(source, prefix=layout.prefix)
    return _as_one(source, layout.as_one)


def _entry(line: int, secret: PortableSecret) -> Entry:
    return Entry(line=line, name=secret.name, secret=secret)


def _of_json(source: Source) -> Iterator[Entry]:
    stream = source.begin()
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            yield _entry(number, json_lines.decode(line))
        except InvalidParameter as error:
            yield Entry(line=number, problem=str(error))


def _of_env(source: Source, *, prefix: str) -> Iterator[Entry]:
    try:
        for variable in env_file.variables(_content(source)):
            if variable.value:
                version = PortableVersion(value=SecretValue(string=variable.value))
                secret = PortableSecret(name=prefix + variable.name, versions=(version,))
                yield _entry(variable.line, secret)
            else:
                problem = f"{variable.name} is empty, and a secret can't be; leave the line out, or use --as-one"
                yield Entry(line=variable.line, problem=problem)
    except env_file.Unreadable as error:
        yield Entry(line=error.line, problem=str(error))


def _as_one(source: Source, name: str) -> Iterator[Entry]:
    fields: dict[str, str] = {}
    try:
        for variable in env_file.variables(_content(source)):
            if variable.name in fields:
                yield Entry(
                    line=variable.line, problem=f"{variable.name} is there twice; leave one out"
                )
                return
            fields[variable.name] = variable.value
    except env_file.Unreadable as error:
        yield Entry(line=error.line, problem=str(error))
        return
    version = PortableVersion(value=SecretValue.from_json(fields))
    yield _entry(1, PortableSecret(name=name, versions=(version,)))


def _content(source: Source) -> bytes:
    content = source.begin().read(_LARGEST_ENV_FILE + 1)
    if len(content) > _LARGEST_ENV_FILE:
        raise InvalidParameter(
            f"The file is larger than {_LARGEST_ENV_FILE // 2**20} MiB, which no .env file is. "
            "Give many secrets as lines of JSON."
        )
    return content
