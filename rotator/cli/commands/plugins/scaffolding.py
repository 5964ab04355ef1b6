"""`rotate plugins new`: a package with a rotator that works, for its author to replace."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rotator import __version__
from rotator.cli.options import Output
from rotator.cli.output import OutputFormat, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The rotator's: small letters, digits, hyphens.")],
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where the package's folder is made; else here."),
    ] = None,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Begins a package for a rotator of your own.

    It is a rotator that works, with tests that pass.
    """
    session: Session = context.obj
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ConfigurationError(
            f"{name} is no name for a new rotator. Take small letters, digits and single hyphens, {_LONGEST} "
            "characters at most, such as acme-token."
        )
    taken = {
        alias for entry in session.registry.entries() for alias in (entry.name, *entry.aliases)
    }
    if name in taken:
        raise ConfigurationError(
            f"There is a rotator {name} already. Choose another name; `rotate plugins` lists those that are taken."
        )
    place = (folder or Path()) / f"rotator-{name}"
    made = _make(place, dict(_files(name)))
    if output is OutputFormat.JSON:
        write_json({"folder": place, "files": made})
        return
    write(f"Made {place}:", *(f"  {file}" for file in made))
    write(
        f"It works as it is: cd {place} && pip install -e '.[test]' && pytest",
        f"Then put your target into {made[-1]}; rotator's docs/plugins.md has the contract.",
    )


def _files(name: str) -> Iterator[tuple[str, str]]:
    """The package's files and what they hold, by their paths in it."""
    from importlib.resources import files  # start-up time counts
    from string import Template

    module = f"rotator_{name.replace('-', '_')}"
    words = {
        "name": name,
        "distribution": f"rotator-{name}",
        "module": module,
        "class_name": "".join(part.capitalize() for part in name.split("-")),
        "engine": __version__,
    }
    template = files("rotator.cli.commands.plugins") / "template"
    for source, path in (
        ("pyproject.toml.txt", "pyproject.toml"),
        ("README.md.txt", "README.md"),
        ("tests/test_rotator.py.txt", f"tests/test_{module}.py"),
        ("package/module.py.txt", f"{module}/__init__.py"),
    ):
        text = (template / source).read_text(encoding="utf-8")
        yield path, Template(text).substitute(words)


def _make(place: Path, contents: dict[str, str]) -> tuple[str, ...]:
    """Writes the files; their paths in the package.

    Raises:
        ConfigurationError: the folder is there already, or can't be made.
    """
    try:
        place.mkdir()
        for path, text in contents.items():
            file = place / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise ConfigurationError(
            f"There is a {place} already, and it was left as it is. Remove it, or name another place: --folder"
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The package can't be written to {place}: {error.strerror}. Name another place: --folder"
        ) from None
    return tuple(contents)
