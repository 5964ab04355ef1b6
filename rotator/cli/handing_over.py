"""What `rotate exec` gives to a program: values as variables, and as files that are in memory only."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotator.errors import ConfigurationError, InvalidParameter
from rotator.sdk import SecretValue, StepError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NO_PART_OF_A_NAME = re.compile(r"[^A-Z0-9_]")
_FILE = re.compile(r"\{file(?::([^{}]*))?\}")
# What a loader, a shell or an interpreter takes for an order: whoever may write the secret must not be able to have the
# program run something else. The list can't be whole: --env and --prefix leave nothing to the secret's fields.
_OBEYED = re.compile(
    r"(LD_|DYLD_|BASH|PYTHON|PERL|RUBY|NODE_|NPM_|GIT_|SSH_|JAVA|_JAVA|JDK_|GCONV_|GLIBC_|MALLOC_|OPENSSL_|SSL_CERT_"
    r"|LUA_|PHP|DOTNET_|CORECLR_|COR_|ERL_|GTK_|QT_|GIO_|CURL_CA_|REQUESTS_CA_|PIP_|UV_|CARGO_|DOCKER_"
    # Drivers and clients: files that name libraries to load, programs to run, or whom to believe.
    r"|LIBMYSQL_|ODBC|KRB5_|AWS_CA_|AWS_ENDPOINT_|GNUTLS_|SASL_)"
    r"|(PATH|ENV|IFS|PS4|SHELL|SHELLOPTS|CDPATH|PROMPT_COMMAND|EDITOR|VISUAL|PAGER|LESSOPEN|BROWSER|HOME|TMPDIR|ZDOTDIR"
    r"|FPATH|HOSTALIASES|LOCPATH|NLSPATH|TERMINFO|KUBECONFIG|MYSQL_HOME|MARIADB_HOME|PGSERVICEFILE|PGSYSCONFDIR"
    r"|TNS_ADMIN|LDAPCONF|LDAPRC|AWS_CONFIG_FILE|AWS_SHARED_CREDENTIALS_FILE)\Z"
    r"|(HTTP|HTTPS|FTP|ALL|NO)_PROXY\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A value, or one field of it.

    Attributes:
        secret: as it was named on the command line.
        key: of the JSON object; None for the whole value.
    """

    secret: str
    key: str | None

    @classmethod
    def parse(cls, text: str, secrets: Sequence[str]) -> "Reference":
        """What `KEY`, `SECRET:KEY`, `SECRET:` or nothing means; a secret must be named where there are several.

        Raises:
            InvalidParameter: it doesn't say which secret.
        """
        for secret in sorted(secrets, key=len, reverse=True):
            if text.startswith(f"{secret}:"):
                return cls(secret=secret, key=text.removeprefix(f"{secret}:") or None)
        if len(secrets) > 1:
            raise InvalidParameter(
                f"{text or 'An empty reference'} doesn't say which secret is meant. "
                "With several secrets, write SECRET:KEY, or SECRET: for a whole value."
            )
        return cls(secret=secrets[0], key=text or None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a command line asks for.

    Attributes:
        program: it and its arguments; `{file}` in them means a file where `files` is set.
        variables: by name what is to be in them: a value, or a text with `{file}` in it.
        prefix: of a variable for every field; None where none are wanted.
    """

    program: Sequence[str]
    variables: Sequence[tuple[str, str | Reference]]
    prefix: str | None
    files: bool

    @classmethod
    def parse(
        cls,
        program: Sequence[str],
        *,
        secrets: Sequence[str],
        variables: Sequence[str],
        prefix: str | None,
        files: bool,
    ) -> "Wish":
        """What was asked for, before anything is read.

        Raises:
            InvalidParameter: no program, a malformed variable, or files that nothing would find.
        """
        if not program:
            raise InvalidParameter("Name the program after `--`: rotate exec SECRET -- PROGRAM")
        if files and not _names_a_file([*program, *variables]):
            raise InvalidParameter(
                "With --file, say where the file's path goes: {file} in an argument or in --env."
            )
        if not files and _names_a_file(variables):
            raise InvalidParameter("{file} in --env means a file in memory: give --file too.")
        if prefix is None and not (variables or files):
            prefix = ""
        wanted = tuple(_parse_variable(text, secrets) for text in variables)
        return cls(program=program, variables=wanted, prefix=prefix, files=files)

    def fulfilled(
        self, values: Mapping[str, SecretValue], *, taken: Iterable[str]
    ) -> tuple[list[str], dict[str, str]]:
        """The arguments and the further variables; makes the files.

        Args:
            values: of the secrets, by the names that they were given by.
            taken: names that the program's environment has already.

        Raises:
            ConfigurationError: this system has no files in memory.
            InvalidParameter: a reference refers to nothing, or a value can't be in a variable.
        """
        files = MemoryFiles(values)
        made: dict[str, str] = {}
        if self.prefix is not None:
            made |= variables_of_all(values, prefix=self.prefix, taken=taken)
        for name, wanted in self.variables:
            if isinstance(wanted, str):
                made[name] = files.fill_in(wanted)
            else:
                made[name] = _as_variable(part(values, wanted), name=name)
        filled = [files.fill_in(text) if self.files else text for text in self.program]
        return filled, made


def _parse_variable(text: str, secrets: Sequence[str]) -> tuple[str, str | Reference]:
    name, separator, wanted = text.partition("=")
    if not separator or _NAME.match(name) is None:
        raise InvalidParameter(
            f"--env {text}: write NAME=KEY, with a NAME of letters, digits and underscores."
        )
    return name, wanted if _FILE.search(wanted) else Reference.parse(wanted, secrets)


def part(values: Mapping[str, SecretValue], wanted: Reference) -> bytes:
    """What a reference refers to.

    Raises:
        InvalidParameter: the value has no such field. The message quotes no value.
    """
    value = values[wanted.secret]
    if wanted.key is None:
        return value.binary or b"" if value.string is None else value.string.encode()
    fields = _fields(wanted.secret, value)
    if fields.get(wanted.key) is None:
        raise InvalidParameter(
            f"The value of {wanted.secret} has no field {wanted.key}. It has: {', '.join(fields)}."
        )
    return _text(fields[wanted.key]).encode()


def variables_of_all(
    values: Mapping[str, SecretValue], *, prefix: str, taken: Iterable[str]
) -> dict[str, str]:
    """A variable for each field of each value, in capitals; a field that is null has none.

    Args:
        taken: names that the program's environment has already.

    Raises:
        InvalidParameter: a field makes no name, one that is taken, or one that programs obey.
    """
    made: dict[str, str] = {}
    taken = frozenset(taken)
    for secret, value in values.items():
        for key, content in _fields(secret, value).items():
            if content is None:
                continue
            name = prefix + _NO_PART_OF_A_NAME.sub("_", key.upper())
            why = _why_not(name, made=made, taken=taken)
            if why is not None:
                raise InvalidParameter(
                    f"The field {key} of {secret} would become the variable {name}, {why}. "
                    f"Give --prefix, or name what is wanted: --env NAME={secret}:{key}"
                )
            made[name] = _as_variable(_text(content).encode(), name=name)
    return made


def _as_variable(content: bytes, *, name: str) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InvalidParameter(
            f"The value for the variable {name} is no text that a variable can hold. "
            "Hand it over as a file: --file, and {file} among the arguments."
        )
    return text


class MemoryFiles:
    """Files that are in memory only, and gone with the last process that has them open."""

    def __init__(self, values: Mapping[str, SecretValue]) -> None:
        self._values = values
        self._paths: dict[Reference, str] = {}

    def fill_in(self, text: str) -> str:
        """`text` with a path in the place of each `{file}` and `{file:REFERENCE}`.

        Raises:
            ConfigurationError: this system has no such files.
            InvalidParameter: a reference refers to nothing.
        """
        return _FILE.sub(lambda found: self._path(found[1] or ""), text)

    def _path(self, wanted: str) -> str:
        reference = Reference.parse(wanted, tuple(self._values))
        if reference not in self._paths:
            self._paths[reference] = memory_file(part(self._values, reference))
        return self._paths[reference]


def _names_a_file(texts: Iterable[str]) -> bool:
    return any(_FILE.search(text) for text in texts)


def memory_file(content: bytes) -> str:
    """The path of a new file that nobody can change and only this user can read; it is inherited.

    The path goes by this process's number, which a program that takes its place keeps, so that what
    that program starts can open it too, also where it inherits nothing.

    Raises:
        ConfigurationError: this system has no such files.
    """
    if not hasattr(os, "memfd_create"):
        raise ConfigurationError(
            "This system has no files in memory (memfd_create), which --file needs. Use --env."
        )
    import fcntl

    descriptor = os.memfd_create("secret", os.MFD_ALLOW_SEALING)
    os.fchmod(descriptor, 0o400)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def _fields(secret: str, value: SecretValue) -> Mapping[str, Any]:
    try:
        return value.fields()
    except StepError:
        raise InvalidParameter(
            f"The value of {secret} is no JSON object, so it has no fields. "
            f"Name a variable for the whole value: --env NAME={secret}:"
        ) from None


def _text(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _why_not(name: str, *, made: Mapping[str, str], taken: frozenset[str]) -> str | None:
    return next(_reasons_against(name, made=made, taken=taken), None)


def _reasons_against(name: str, *, made: Mapping[str, str], taken: frozenset[str]) -> Iterator[str]:
    if _NAME.match(name) is None:
        yield "which is no name for one"
    if _OBEYED.match(name):
        yield "which programs obey"
    if name in made:
        yield "which another field becomes too"
    if name in taken:
        yield "which is set already"
