"""What `rotate exec` hands to a program."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.cli.handing_over import Reference, Wish
from rotator.errors import InvalidParameter
from rotator.sdk import SecretValue

DATABASE = SecretValue.from_json(
    {"username": "app", "password": 'p"w', "port": 5432, "ssl": False, "none": None, "a-b": [1]}
)
VALUES = {"db/app": DATABASE, "token": SecretValue(string="plain")}


def _variables(
    *env: str, secrets: tuple[str, ...] = ("db/app",), prefix: str | None = None
) -> dict[str, str]:
    wish = Wish.parse(["run"], secrets=secrets, variables=env, prefix=prefix, files=False)
    _, made = wish.fulfilled({name: VALUES[name] for name in secrets}, taken=("HOST", "LANG"))
    return made


def test_each_field_becomes_a_variable_in_capitals() -> None:
    """Text goes as it is, other types as JSON, and a field that is null is left out."""
    expected = {"USERNAME": "app", "PASSWORD": 'p"w', "PORT": "5432", "SSL": "false", "A_B": "[1]"}
    assert expected == _variables()
    assert {f"DB_{name}": value for name, value in expected.items()} == _variables(prefix="DB_")


def test_named_variables_are_all_that_is_handed_over() -> None:
    """With --env only what it names is there; with --prefix too, every field besides."""
    assert _variables("PGPASSWORD=password") == {"PGPASSWORD": 'p"w'}
    assert _variables("TOKEN=", secrets=("token",)) == {"TOKEN": "plain"}
    several = _variables("PW=db/app:password", "TOKEN=token:", secrets=("db/app", "token"))
    assert several == {"PW": 'p"w', "TOKEN": "plain"}
    assert {"PW", "DB_PORT"} <= _variables("PW=password", prefix="DB_").keys()


@pytest.mark.parametrize(
    ("env", "secrets", "said"),
    [
        (("1X=password",), ("db/app",), "NAME=KEY"),
        (("X",), ("db/app",), "NAME=KEY"),
        (("X=nothing",), ("db/app",), "has no field nothing"),
        (("X=none",), ("db/app",), "has no field none"),
        (("X=password",), ("db/app", "token"), "which secret"),
        (("X=token:key",), ("db/app", "token"), "no JSON object"),
        (("X={file}",), ("db/app",), "give --file"),
    ],
)
def test_what_names_nothing_is_refused(
    env: tuple[str, ...], secrets: tuple[str, ...], said: str
) -> None:
    """A variable that can't be made is refused with the way out, and quotes no value."""
    with pytest.raises(InvalidParameter, match=said) as refused:
        _variables(*env, secrets=secrets)
    assert 'p"w' not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ld-preload": "/tmp/evil.so"}, "programs obey"),
        ({"path": "/tmp"}, "programs obey"),
        ({"openssl-conf": "/tmp/evil.cnf"}, "programs obey"),
        ({"https_proxy": "http://evil"}, "programs obey"),
        ({"libmysql_plugin_dir": "/tmp"}, "programs obey"),
        ({"odbcsysini": "/tmp"}, "programs obey"),
        ({"pgsysconfdir": "/tmp"}, "programs obey"),
        ({"aws_config_file": "/tmp/evil"}, "programs obey"),
        ({"lang": "C"}, "set already"),
        ({"a-b": 1, "a_b": 2}, "another field"),
        ({"1": 1}, "no name"),
        ({"": 1}, "no name"),
    ],
)
def test_a_field_takes_no_variable_of_others(fields: dict[str, object], why: str) -> None:
    """Whoever writes the secret can't set what is set already or what makes programs run something else."""
    wish = Wish.parse(["run"], secrets=["s"], variables=(), prefix=None, files=False)
    with pytest.raises(InvalidParameter, match=why):
        wish.fulfilled({"s": SecretValue.from_json(fields)}, taken=("LANG",))


@pytest.mark.parametrize("value", [SecretValue(binary=b"\xff"), SecretValue(string="a\0b")])
def test_a_value_that_no_variable_holds_is_for_a_file(value: SecretValue) -> None:
    """Bytes and NUL are refused as a variable, with the file as the way out, and a file has them as they are."""
    with pytest.raises(InvalidParameter, match="--file"):
        Wish.parse(["run"], secrets=["s"], variables=["X="], prefix=None, files=False).fulfilled(
            {"s": value}, taken=()
        )
    wish = Wish.parse(["{file}"], secrets=["s"], variables=(), prefix=None, files=True)
    (path,), _ = wish.fulfilled({"s": value}, taken=())
    content = Path(path).read_bytes()
    assert content == (value.binary or (value.string or "").encode())


def test_a_file_has_the_whole_value_or_a_field() -> None:
    """`{file}` may stand within an argument and in a variable; one value has one file, which nobody can change."""
    wish = Wish.parse(
        ["run", "--conf={file:db/app:}", "{file:db/app:password}", "{file:token:}"],
        secrets=["db/app", "token"],
        variables=["CONF={file:db/app:}"],
        prefix=None,
        files=True,
    )
    program, variables = wish.fulfilled(VALUES, taken=())
    _, conf, password, token = program
    conf = conf.removeprefix("--conf=")
    assert variables == {"CONF": conf}
    assert json.loads(Path(conf).read_text())["username"] == "app"
    assert (Path(password).read_text(), Path(token).read_text()) == ('p"w', "plain")
    assert Path(token).stat().st_mode & 0o777 == 0o400
    with pytest.raises(PermissionError):
        Path(token).write_bytes(b"x")


def test_a_file_that_nothing_would_find_is_refused() -> None:
    """--file without a place for the path is an error, and so is a program that isn't named."""
    with pytest.raises(InvalidParameter, match="where the file's path goes"):
        Wish.parse(["run"], secrets=["s"], variables=(), prefix=None, files=True)
    with pytest.raises(InvalidParameter, match="Name the program"):
        Wish.parse([], secrets=["s"], variables=(), prefix=None, files=False)


@given(
    secrets=st.lists(
        st.text(string.ascii_letters + "-/_+=.@!", min_size=1), min_size=1, unique=True
    ),
    key=st.text(),
    data=st.data(),
)
def test_a_reference_with_its_secret_is_never_mistaken(
    secrets: list[str], key: str, data: st.DataObject
) -> None:
    """SECRET:KEY means that secret and that key, whatever other secrets there are."""
    secret = data.draw(st.sampled_from(secrets))
    expected = Reference(secret=secret, key=key or None)
    assert Reference.parse(f"{secret}:{key}", secrets) == expected
