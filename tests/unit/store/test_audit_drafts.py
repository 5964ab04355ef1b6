"""Records drafted before they have a place: what they become there is what the whole row would have been."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from rotator.crypto.audit_key import AuditKey
from rotator.store.audit_chain import in_json, link_mac
from rotator.store.audit_drafts import Draft
from rotator.store.notes import AuditEntry
from rotator.store.tables import audit

_KEY = AuditKey(bytes(32))
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_details = st.dictionaries(_texts, _texts | st.integers() | st.lists(_texts), max_size=3)
_entries = st.builds(
    AuditEntry,
    request_id=_texts,
    account=_texts,
    region=_texts,
    principal=_texts,
    event=_texts,
    secret_arn=st.none() | _texts,
    version_id=st.none() | _texts,
    outcome=_texts,
    detail=st.none() | _details,
    revision=st.none() | st.integers(0, 2**63 - 1),
)
_instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))  # noqa: DTZ001  # the zone is added


@given(_entries, st.integers(-2, 15), st.integers(1, 2**63 - 1), _instants, st.binary(max_size=32))
def test_its_code_is_that_of_the_whole_row(
    entry: AuditEntry, shard: int, seq: int, at: datetime, previous: bytes
) -> None:
    """Whatever its columns hold, and whichever hold nothing."""
    row = {**entry._asdict(), "shard": shard, "seq": seq, "at": at}
    drafted = Draft(entry).mac(_KEY, previous, shard=shard, seq=seq, at=in_json(at))
    assert drafted == link_mac(_KEY, previous, row)


def test_it_has_every_column_but_its_place_and_code() -> None:
    """A column that the table gets later has to be in the code too."""
    entry = AuditEntry("r", "a", "here", "p", "e", None, None, "succeeded", {"b": "2", "a": 1})
    drafted = Draft(entry)
    assert drafted.columns.keys() == set(audit.columns.keys()) - {"shard", "seq", "at", "mac"}
    assert drafted.columns["detail"] == '{"a":1,"b":"2"}'


def test_a_draft_is_made_once() -> None:
    """What is drafted already is taken as it is."""
    drafted = Draft(AuditEntry("r", "a", "here", "p", "e", None, None, "succeeded"))
    assert Draft.of(drafted) is drafted
