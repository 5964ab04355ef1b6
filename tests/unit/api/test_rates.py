"""How many calls a second are let in."""

import pytest

from rotator.api.addresses import household
from rotator.api.errors import Throttled
from rotator.api.rates import Limits, Rates


@pytest.mark.parametrize(
    ("address", "whose"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_one_client_has_a_whole_network_of_ipv6(address: str, whose: str) -> None:
    """The bits of its hosts tell nobody apart; an address of IPv4 does, whichever socket it came by."""
    assert household(address) == whose


def test_a_stranger_gets_no_further_by_more_addresses_of_its_network() -> None:
    """Refusals are counted for all of them together, so that the audit can't be filled from one line."""
    rates = Rates(Limits(of_stranger=1.0), now=lambda: 0.0)
    rates.refuse("2001:db8::1")
    rates.refuse("2001:db8::2")

    with pytest.raises(Throttled):
        rates.refuse("2001:db8::3")

    rates.refuse("2001:db8:0:1::1")
    rates.refuse("192.0.2.1")
