"""The label algebra as a state machine, beside a naive model that was written from AWS's own words.

The model keeps a set of labels for each version, as the API's VersionIdsToStages does, where the algebra keeps one
version for each label; so a mistake in one is hardly the other's too.
"""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from rotator.errors import InvalidParameter, LimitExceeded
from rotator.model.labels import CURRENT, MAX_LABELS, PENDING, PREVIOUS, Labels

CUSTOM = [f"custom-{number}" for number in range(MAX_LABELS + 2)]
ANY_LABEL = st.sampled_from([CURRENT, PENDING, PREVIOUS, *CUSTOM])
STAGES = st.none() | st.sets(ANY_LABEL, min_size=1, max_size=4)


class NaiveLabels:
    """Version id → its labels. "A staging label can be attached to only one version of a secret at a time"."""

    def __init__(self) -> None:
        self.on: dict[str, set[str]] = {}

    def holder(self, label: str) -> str | None:
        holders = [version for version, labels in self.on.items() if label in labels]
        assert len(holders) <= 1
        return holders[0] if holders else None

    def count(self) -> int:
        return sum(len(labels) for labels in self.on.values())

    def take_off(self, label: str) -> None:
        for labels in self.on.values():
            labels.discard(label)

    def attach(self, label: str, version: str) -> None:
        self.take_off(label)
        self.on.setdefault(version, set()).add(label)

    def make_current(self, version: str) -> None:
        """AWS: "moves AWSPREVIOUS to the version that AWSCURRENT was removed from"."""
        old = self.holder(CURRENT)
        if old == version:
            return
        self.attach(CURRENT, version)
        self.take_off(PREVIOUS)
        if old is not None:
            self.attach(PREVIOUS, old)

    def put(self, version: str, stages: set[str] | None) -> None:
        """AWS: "If you don't include VersionStages, AWSCURRENT is moved to the new version"."""
        wanted = {CURRENT} if stages is None else stages
        if CURRENT in wanted:
            self.make_current(version)
        for label in wanted - {CURRENT}:
            self.attach(label, version)

    def copy(self) -> "NaiveLabels":
        copied = NaiveLabels()
        copied.on = {version: set(labels) for version, labels in self.on.items()}
        return copied


class LabelMachine(RuleBasedStateMachine):
    """One secret's labels under every operation, in every order."""

    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.labels = Labels()
        self.model = NaiveLabels()
        self.made = 0
        self.has_value = False

    def become(self, expected: NaiveLabels, change: Callable[[], Labels]) -> None:
        """Applies a change to both, unless it would pass the limit: then it is refused and changes neither."""
        if expected.count() > max(MAX_LABELS, self.model.count()):
            with pytest.raises(LimitExceeded):
                change()
            return
        self.labels = change()
        self.model = expected

    @rule(target=versions, stages=STAGES)
    def put_new(self, stages: set[str] | None) -> str:
        self.made += 1
        version = f"v{self.made}"
        expected = self.model.copy()
        if self.has_value:
            expected.put(version, stages)
            self.become(expected, lambda: self.labels.put(version, stages))
        else:
            expected.put(version, {CURRENT, *(stages or ())})
            self.become(expected, lambda: self.labels.first(version, stages))
        self.has_value = self.model.holder(CURRENT) is not None
        return version

    @precondition(lambda self: self.has_value)
    @rule(version=versions, label=ANY_LABEL)
    def move(self, version: str, label: str) -> None:
        holder = self.model.holder(label)
        expected = self.model.copy()
        if label == CURRENT:
            expected.make_current(version)
        else:
            expected.attach(label, version)
        self.become(expected, lambda: self.labels.move(label, to=version, remove_from=holder))

    @precondition(lambda self: self.has_value)
    @rule(version=versions, label=ANY_LABEL)
    def move_without_saying_from_where(self, version: str, label: str) -> None:
        if self.model.holder(label) in {None, version}:
            return
        with pytest.raises(InvalidParameter, match="RemoveFromVersionId can't be empty"):
            self.labels.move(label, to=version, remove_from=None)

    @precondition(lambda self: self.has_value)
    @rule(version=versions, wrong=versions, label=ANY_LABEL)
    def move_from_the_wrong_version(self, version: str, wrong: str, label: str) -> None:
        if self.model.holder(label) == wrong:
            return
        with pytest.raises(InvalidParameter, match="is not attached to version"):
            self.labels.move(label, to=version, remove_from=wrong)

    @rule(label=ANY_LABEL)
    def take_off(self, label: str) -> None:
        holder = self.model.holder(label)
        if holder is None:
            return
        if label == CURRENT:
            with pytest.raises(InvalidParameter, match="can't be completely removed"):
                self.labels.move(label, to=None, remove_from=holder)
            return
        self.labels = self.labels.move(label, to=None, remove_from=holder)
        self.model.take_off(label)

    @precondition(lambda self: self.model.holder(PENDING) is not None)
    @rule()
    def finish_rotation(self) -> None:
        token = self.model.holder(PENDING)
        assert token is not None
        expected = self.model.copy()
        expected.take_off(PENDING)
        expected.make_current(token)
        self.become(expected, lambda: self.labels.finish(token))
        self.has_value = self.model.holder(CURRENT) is not None

    @rule(version=versions)
    def drop_pending_of(self, version: str) -> None:
        self.labels = self.labels.without_pending(version)
        self.model.on.get(version, set()).discard(PENDING)

    @rule()
    def drop_pending(self) -> None:
        self.labels = self.labels.without_pending()
        self.model.take_off(PENDING)

    @invariant()
    def agrees_with_the_model(self) -> None:
        expected = {
            version: tuple(sorted(labels)) for version, labels in self.model.on.items() if labels
        }
        assert self.labels.by_version() == expected

    @invariant()
    def one_version_is_current_once_there_is_a_value(self) -> None:
        if self.has_value:
            assert self.labels.version(CURRENT) is not None

    @invariant()
    def no_more_labels_than_the_quota(self) -> None:
        assert len(self.labels.at) <= MAX_LABELS


TestLabels = LabelMachine.TestCase
TestLabels.__doc__ = "The algebra and the model agree after every sequence of operations."
