"""What the agent keeps."""

from hypothesis import given
from hypothesis import strategies as st

from rotator.agent.cache import Cache, Entry, Key

_KEYS = st.builds(
    Key,
    st.sampled_from("abc"),
    st.sampled_from([None, "v1"]),
    st.sampled_from([None, "AWSCURRENT", "AWSPREVIOUS"]),
)


@given(st.lists(_KEYS), st.integers(1, 5))
def test_no_more_is_kept_than_was_asked_for_last(keys: list[Key], size: int) -> None:
    """Whatever comes in, the cache holds the latest different keys, up to its size."""
    cache = Cache(size=size)
    for key in keys:
        cache.put(key, Entry(b"{}", "v", 0.0))
    latest = list(dict.fromkeys(reversed(keys)))
    assert [key for key in latest if cache.get(key) is not None] == latest[:size]


def test_what_is_asked_for_again_stays() -> None:
    """The one that goes is the one that was asked for longest ago."""
    cache = Cache(size=2)
    first, second, third = Key("a"), Key("b"), Key("c")
    for key in (first, second):
        cache.put(key, Entry(b"{}", "v", 0.0))
    cache.get(first)
    cache.put(third, Entry(b"{}", "v", 0.0))
    assert cache.get(second) is None
    assert cache.get(first) is not None


def test_an_outdated_secret_keeps_what_is_current() -> None:
    """Other labels and versions go, for a move of AWSCURRENT moves them too; what was asked for by default is named."""
    cache = Cache(size=9)
    keys = [Key("a"), Key("a", None, "AWSCURRENT"), Key("a", None, "AWSPREVIOUS"), Key("a", "v1")]
    for key in [*keys, Key("b")]:
        cache.put(key, Entry(b"{}", "v", 0.0))
    assert cache.outdate("a") == keys[:2]
    assert [cache.get(key) is None for key in keys] == [False, False, True, True]
    assert cache.current() == {"a": "v", "b": "v"}


def test_an_entry_shows_no_value() -> None:
    """Its repr has no body."""
    assert "secret" not in repr(Entry(b'{"SecretString": "secret"}', "v", 0.0))
