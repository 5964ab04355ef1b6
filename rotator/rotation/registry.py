"""The rotators that are installed: entry points in the group `rotator.rotators`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rotator.errors import ConfigurationError, ResourceNotFound
from rotator.rotation.loading import loaded, missing_extra
from rotator.sdk import Rotator

if TYPE_CHECKING:
    from rotator.rotation.facts import RotatorFacts
    from rotator.sdk.functions import FunctionHost

GROUP = "rotator.rotators"
_BUILTIN_PACKAGE = "rotators"
BUILTIN_DISTRIBUTION = "rotator-engine"
_SIDE_BY_SIDE = (
    4  # rotators of other packages that are examined at once: more would slow each other down
)

_T = TypeVar("_T")


@dataclass(frozen=True)
class RotatorEntry:
    """One installed rotator; its module is loaded when something of it is needed.

    One that is not built in is loaded in processes of its own, and never here but by `make`: as it is imported it may
    hang, print or end the process.

    Attributes:
        name: the entry point's name, which is the rotator's.
        rivals: other packages that bring a rotator of the same name.
        withheld: environment variables that its processes don't get, besides rotator's own.
    """

    name: str
    point: EntryPoint
    rivals: tuple[str, ...] = ()
    withheld: frozenset[str] = frozenset()

    @property
    def invokes(self) -> bool:
        """Whether its steps are those of a rotation function, which stores the new value itself."""
        return False

    @cached_property
    def distribution(self) -> str:
        """The pip package that it came with."""
        return self.point.dist.name if self.point.dist else "?"

    @property
    def version(self) -> str:
        """The version of that package."""
        return self.point.dist.version if self.point.dist else "?"

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return f"{self.distribution} {self.version}"

    @cached_property
    def builtin(self) -> bool:
        """Whether it is one of the house's own, which run in threads; others get a process."""
        return (
            self.point.module.split(".")[0] == _BUILTIN_PACKAGE
            and self.distribution == BUILTIN_DISTRIBUTION
        )

    @cached_property
    def _loaded(self) -> type[Rotator] | str:
        if self.rivals:
            return f"{', '.join(self.rivals)} brings a rotator of the same name"
        return loaded(self.point)

    @cached_property
    def facts(self) -> "RotatorFacts":
        """What it says of itself; a process is asked for that where it is not built in."""
        from rotator.rotation.facts import RotatorFacts  # a rotation needs none of them

        if self.builtin or self.rivals:
            return RotatorFacts.of(self._loaded)
        from rotator.rotation.child import examined  # built-in rotators need no processes

        return examined(self)

    @property
    def error(self) -> str | None:
        """Why it can't be used, None where it can."""
        return self.facts.error

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names that it answers to, such as those of AWS's templates."""
        return self.facts.aliases

    @property
    def summary(self) -> str:
        """One line about it."""
        return self.facts.summary

    def require_usable(self) -> None:
        """Nothing, where it can be used.

        Raises:
            ConfigurationError: the plugin is broken.
        """
        if self.error is not None:
            raise self._unusable(self.error)

    def make(self) -> Rotator:
        """An instance for one attempt, in this process: for one that is built in.

        Raises:
            ConfigurationError: the plugin is broken.
        """
        if isinstance(self._loaded, str):
            raise self._unusable(self._loaded)
        return self._new(self._loaded)

    @property
    def remedy(self) -> str:
        """What may make one usable that isn't."""
        if self.rivals:
            return f"uninstall all but one of {', '.join((self.distribution, *self.rivals))}"
        extra = missing_extra(self.point) if self.builtin else None
        if extra is not None:
            return f"pip install '{self.distribution}[{extra}]'"
        return f"pip install --force-reinstall {self.distribution}, or uninstall it"

    def _unusable(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"rotator {self.name} (package {self.distribution} {self.version}) can't be loaded: {why}. "
            f"What to do: {self.remedy}. `rotate plugins` lists what is there."
        )

    def _new(self, kind: type[Rotator]) -> Rotator:
        return kind()


@dataclass(frozen=True)
class HostedEntry(RotatorEntry):
    """A rotation function.

    Attributes:
        section: where in the configuration it is declared.
        options: what its invoker is made with.
    """

    section: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def origin(self) -> str:
        """Where it was declared."""
        return f"{self.section} in the configuration"

    @property
    def invokes(self) -> bool:
        """It does."""
        return True

    @property
    def aliases(self) -> tuple[str, ...]:
        """None: its name is the operator's choice."""
        return ()

    def check(self, host: "FunctionHost", *, seconds: float) -> None:
        """Nothing, where the function can be invoked; it is not.

        Raises:
            ConfigurationError: what invokes it is not installed.
            StepError: it can't, or nobody answers.
        """
        made: Any = self.hosted(host)
        try:
            made.check(seconds=seconds)
        finally:
            made.close()

    def hosted(self, host: "FunctionHost") -> Rotator:
        """An instance for one attempt.

        Raises:
            ConfigurationError: what invokes it is not installed.
        """
        if isinstance(self._loaded, str):
            raise self._unusable(self._loaded)
        return self._loaded(name=self.name, host=host, **self.options)  # type: ignore[call-arg]  # as the kinds are made


class RotatorRegistry:
    """Finds rotators by name, alias or RotationLambdaARN.

    Args:
        entries: those that go first: no other package can take their names.
        more: the others, looked for when something is not among `entries`, or when all are listed.
        elsewhere: the function that an ARN names which stands for no rotator; None where such functions can't be
            invoked.
    """

    def __init__(
        self,
        entries: Iterable[RotatorEntry],
        *,
        more: Callable[[], Iterable[RotatorEntry]] = tuple,
        elsewhere: Callable[[str], RotatorEntry] | None = None,
    ) -> None:
        self._first = {entry.name: entry for entry in entries}
        self._more = more
        self._elsewhere = elsewhere

    @classmethod
    def load(
        cls,
        declared: Iterable[RotatorEntry] = (),
        *,
        withheld: frozenset[str] = frozenset(),
        elsewhere: Callable[[str], RotatorEntry] | None = None,
    ) -> Self:
        """The rotators installed in this environment: the declared and the built-in ones first.

        Args:
            withheld: environment variables that no rotator's process gets, besides `ROTATOR_…`.
            elsewhere: the function that an ARN names which stands for no rotator.

        Raises:
            ConfigurationError: one is declared under the name of a built-in one.
        """
        builtin, declared = tuple(_builtin()), tuple(declared)
        taken = {entry.name for entry in builtin}
        for entry in declared:
            if entry.name in taken:
                raise ConfigurationError(
                    f"{entry.origin}: there is a built-in rotator of this name. Give it another."
                )
        return cls((*declared, *builtin), more=lambda: _installed(withheld), elsewhere=elsewhere)

    @cached_property
    def _all(self) -> dict[str, RotatorEntry]:
        return {entry.name: entry for entry in self._more()} | self._first

    def entries(self) -> tuple[RotatorEntry, ...]:
        """All of them, by name, with what each says of itself."""
        _examine(self._all.values())
        return tuple(self._all[name] for name in sorted(self._all))

    def resolve(self, reference: str) -> RotatorEntry:
        """The rotator that a name, an alias, or an ARN whose function has such a name stands for.

        Raises:
            ResourceNotFound: there is none; the message lists what there is.
        """
        name = _function_name(reference)
        found = self._first.get(name) or _by_alias(self._first, name) or self._all.get(name)
        if found is None:
            _examine(self._all.values())
            found = _by_alias(self._all, name)
        if found is not None:
            return found
        if self._elsewhere is not None and reference.startswith("arn:") and name:
            return self._elsewhere(reference)
        known = ", ".join(sorted(self._all)) or "none"
        raise ResourceNotFound(
            f"There is no rotator {reference!r}. Installed: {known}. "
            "Install the package that brings it, or choose one of these with `rotate rotation set --rotator`."
        )

    def hides(self, reference: str) -> RotatorEntry | None:
        """The rotator whose alias keeps the function that an ARN names from being invoked; None where none does."""
        name = _function_name(reference)
        elsewhere = self._elsewhere is not None and reference.startswith("arn:")
        if not elsewhere or name in self._first or name in self._all:
            return None
        found = self.resolve(reference)
        return found if name in found.aliases else None

    def by_registered_name(self, given: Mapping[str, _T], *, setting: str) -> dict[str, _T]:
        """What a setting gives for rotators, which it may call by any name that `resolve` knows.

        Raises:
            ConfigurationError: it names one that isn't there, or one twice.
        """
        called: dict[str, str] = {}
        for reference in given:
            try:
                name = self.resolve(reference).name
            except ResourceNotFound:
                known = ", ".join(sorted(self._all)) or "none"
                raise ConfigurationError(
                    f"{setting}.{reference}: there is no such rotator. Installed: {known}. Correct the name, or "
                    "install the package that brings it."
                ) from None
            if name in called:
                raise ConfigurationError(
                    f"{setting}: {called[name]} and {reference} are the same rotator, {name}. Leave one of them out."
                )
            called[name] = reference
        return {name: given[reference] for name, reference in called.items()}


def _by_alias(entries: dict[str, RotatorEntry], name: str) -> RotatorEntry | None:
    return next((entry for entry in entries.values() if name in entry.aliases), None)


def _examine(entries: Iterable[RotatorEntry]) -> None:
    """Asks those of other packages what they say of themselves, side by side."""
    others = [entry for entry in entries if not entry.builtin]
    if others:
        from concurrent.futures import ThreadPoolExecutor  # most installations have none

        with ThreadPoolExecutor(max_workers=_SIDE_BY_SIDE) as pool:
            for _ in pool.map(lambda entry: entry.facts, others):
                pass


def _builtin() -> Iterator[RotatorEntry]:
    try:
        points = distribution(BUILTIN_DISTRIBUTION).entry_points.select(group=GROUP)
    except PackageNotFoundError:  # run from a source tree that was not installed
        return
    yield from (RotatorEntry(point.name, point) for point in points)


def _installed(withheld: frozenset[str]) -> Iterator[RotatorEntry]:
    """Those of all packages. Where two bring the same name, neither can be meant."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    for name, (point, *others) in found.items():
        rivals = tuple(other.dist.name for other in others if other.dist)
        yield RotatorEntry(name, point, rivals, withheld)


def _function_name(reference: str) -> str:
    """`arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]` → NAME; anything else as it is."""
    if not reference.startswith("arn:"):
        return reference
    _, _, tail = reference.partition(":function:")
    return tail.split(":")[0]
