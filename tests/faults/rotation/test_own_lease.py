"""The store goes away in mid-rotation: who loses it so doesn't wait for the end of a lease that is its own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from rotator.daemon import agenda
from rotator.errors import RotationInProgress, StoreUnavailable
from rotator.model.rotation import Phase, Status
from rotator.rotation.owner import Owner
from rotator.rotation.report import Progress, ProgressKind
from rotator.store.store import Store
from tests.support.house import House
from tests.support.manager import ALICE, ME
from tests.support.postgres import DatabaseServer
from tests.support.store import AUDIT_KEY, only_postgresql
from tests.support.tcp_proxy import TcpProxy

pytestmark = only_postgresql

_HOUR = 3600.0


@pytest.fixture
def network(tcp_proxy: Callable[[str, int], TcpProxy], store_url: str) -> TcpProxy:
    """The network between rotator and its store."""
    url = make_url(store_url)
    assert url.host is not None
    assert url.port is not None
    return tcp_proxy(url.host, url.port)


@pytest.fixture
def behind(house: House, network: TcpProxy, store_url: str) -> Iterator[House]:
    """The house with a lease of an hour, its store behind the network."""
    url = make_url(store_url).set(host=network.host, port=network.port)
    shown = url.render_as_string(hide_password=False)
    with closing(Store.open(shown, create=False, audit_key=AUDIT_KEY)) as store:
        yield replace(house, store=store).with_policy(lease=_HOUR)


@pytest.mark.parametrize("phase", [Phase.PREFLIGHT, Phase.SET, Phase.TEST], ids=str)
def test_what_a_lost_store_has_broken_off_goes_on_at_once(
    house: House, behind: House, network: TcpProxy, pg16: DatabaseServer, phase: Phase
) -> None:
    """Once the store is back the same process ends the rotation that it could not write on, under a lease of an hour;
    another process is refused meanwhile.
    """
    name = house.adopt(pg16, pg16.new_role())
    house.make_due(name)

    def cut(happened: Progress) -> None:
        if happened.kind is ProgressKind.DONE and happened.phase == phase:
            network.refuse()
            network.cut()

    with pytest.raises(StoreUnavailable):
        behind.engine().run_due(name, **ME, observer=cut)
    network.forward()

    other = replace(Owner.me(), pid=1, started="")
    with pytest.raises(RotationInProgress):
        house.engine(owner=other).run_due(name, **ME)
    (task,) = agenda.read(behind.store, caller=ALICE, me=Owner.me()).tasks
    assert task.name == name
    assert agenda.read(behind.store, caller=ALICE, me=other).tasks == ()
    report = behind.engine().run_due(name, **ME)
    assert report is not None
    assert report.status is Status.SUCCEEDED, report.failure
    assert pg16.can_log_in(house.role(name))
    (row,) = house.history(name)
    assert row.status == Status.SUCCEEDED
