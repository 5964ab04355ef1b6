"""The rotators that are installed: found by name, alias and ARN; a broken one is listed and harms nobody."""

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from rotator.errors import ConfigurationError, ResourceNotFound
from rotator.rotation.registry import GROUP, RotatorEntry, RotatorRegistry
from tests.support import plugins

TEMPLATE = "SecretsManagerRDSPostgreSQLRotationSingleUser"
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:"


@pytest.fixture(scope="module")
def registry() -> Iterator[RotatorRegistry]:
    with plugins.installed() as registry:
        yield registry


@pytest.mark.parametrize(
    "reference",
    [
        "postgresql-single-user",
        TEMPLATE,
        f"{ARN}{TEMPLATE}",
        f"{ARN}{TEMPLATE}:$LATEST",
        f"{ARN}postgresql-single-user",
    ],
)
def test_a_built_in_has_many_names(registry: RotatorRegistry, reference: str) -> None:
    """A rotator answers to its name, its aliases, and to ARNs of functions with such names."""
    entry = registry.resolve(reference)

    assert entry.name == "postgresql-single-user"
    assert (entry.builtin, entry.distribution, entry.error) == (True, "rotator-engine", None)
    assert entry.summary


def test_a_plugin_is_found_by_alias(registry: RotatorRegistry) -> None:
    """So does a rotator of another package, which is no built-in."""
    entry = registry.resolve(f"{ARN}GenericAlias")

    assert (entry.name, entry.builtin) == ("generic", False)
    assert (entry.distribution, entry.version) == ("rotator-test-plugins", "1.0")
    assert entry.make().name == "generic"


def test_a_built_in_without_its_driver_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The extra that brings it is named, and nobody is told to reinstall what is whole."""
    for module in [name for name in sys.modules if name.startswith(("rotators.mysql", "pymysql"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    entry = RotatorRegistry.load().resolve("mysql-single-user")
    assert entry.remedy == "pip install 'rotator-engine[mysql]'"
    with pytest.raises(
        ConfigurationError, match=r"pymysql.* pip install 'rotator-engine\[mysql\]'"
    ):
        entry.require_usable()


def test_an_unknown_name_lists_what_there_is(registry: RotatorRegistry) -> None:
    """A reference that names none is refused with the names that there are."""
    with pytest.raises(ResourceNotFound, match=r"Installed: .*postgresql-single-user"):
        registry.resolve(f"{ARN}my-own-function")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "AttributeError: .*Missing"),
        ("stranger", "is not a subclass of rotator.sdk.Rotator"),
        ("half", "lacks set_secret"),
        ("quitting", "SystemExit: no licence"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_reason(
    registry: RotatorRegistry, name: str, reason: str
) -> None:
    """A plugin that can't be used stands in the list, says why, and is refused when it is asked for."""
    (entry,) = [entry for entry in registry.entries() if entry.name == name]

    assert (entry.aliases, entry.summary) == ((), "")
    with pytest.raises(ConfigurationError, match=f"rotator {name} .*{reason}"):
        entry.require_usable()
    assert registry.resolve("GenericAlias").error is None


def test_a_name_that_two_packages_bring_is_refused() -> None:
    """Nobody can say which of two rotators of one name is meant, so neither is used."""
    point = EntryPoint("generic", "rotator_test_plugins:Generic", GROUP)

    entry = RotatorEntry("generic", point, rivals=("another-package",))

    assert entry.error == "another-package brings a rotator of the same name"


def test_a_plugin_can_not_take_a_built_ins_name(registry: RotatorRegistry) -> None:
    """A built-in rotator keeps its name, whatever else is installed."""
    point = EntryPoint("postgresql-single-user", "rotator_test_plugins:Generic", GROUP)
    builtins = [e for e in registry.entries() if e.builtin]

    taken = RotatorRegistry(builtins, more=lambda: [RotatorEntry(point.name, point)])

    assert taken.resolve("postgresql-single-user").builtin
    assert len(taken.entries()) == len(builtins)


def test_a_setting_may_call_rotators_by_any_of_their_names(registry: RotatorRegistry) -> None:
    """What is given for an alias or an ARN is the registered rotator's."""
    given = {TEMPLATE: 1, "GenericAlias": 2, f"{ARN}mysql-single-user": 3}

    named = registry.by_registered_name(given, setting="graces")

    assert named == {"postgresql-single-user": 1, "generic": 2, "mysql-single-user": 3}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mysql-singel-user"], r"^graces.mysql-singel-user: .*Installed: .*mysql-single-user"),
        (
            ["postgresql-single-user", TEMPLATE],
            f"graces: postgresql-single-user and {TEMPLATE} are the same rotator",
        ),
    ],
    ids=["unknown", "twice"],
)
def test_a_setting_names_each_rotator_once(
    registry: RotatorRegistry, names: list[str], message: str
) -> None:
    """A name that none has is refused with those that there are, and so is a second name of one rotator."""
    with pytest.raises(ConfigurationError, match=message):
        registry.by_registered_name(dict.fromkeys(names, 0.0), setting="graces")


def test_without_any_rotator_it_says_so() -> None:
    """An empty registry says that nothing is installed."""
    with pytest.raises(ResourceNotFound, match="Installed: none"):
        RotatorRegistry([]).resolve("anything")
