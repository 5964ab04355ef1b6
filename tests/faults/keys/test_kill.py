"""Work on sealing keys is killed at every effect and repeated: no key is lost, and everything opens."""

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rotator.crypto import keyring_format
from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.crypto.passphrase import sealing
from rotator.crypto.sealing_keys import Keyring, KeyState
from rotator.manager.manager import SecretsManager
from rotator.rotation.policy import EnginePolicy
from rotator.store.sealing import verify_sealing_key
from rotator.store.store import Store
from tests.fix_faults import KILL_POINTS
from tests.support.driver import Driver, Runs
from tests.support.key_effects import ALIAS, PASSPHRASE
from tests.support.keys import remove_key
from tests.support.manager import ME
from tests.support.rewraps import fill, keys_of, read_all


@dataclass
class Place:
    """A store with secrets under several keys, and its keyring, which can be put back as it was."""

    store: Store
    keyring: Path
    runs: Runs
    expected: dict[str, str]
    kept: Path

    @property
    def manager(self) -> SecretsManager:
        """As a process that starts now sees it: its keys are known to be the store's."""
        sealer = Sealer(FileKeyProvider(self.keyring))
        verify_sealing_key(self.store, sealer)
        return SecretsManager(self.store, sealer)

    def put_back(self) -> None:
        """The keyring as it was, with what a killed process left beside it."""
        shutil.copy2(self.kept, self.keyring)

    def check(self) -> None:
        """Every key of before is there, and every value opens."""
        before, now = FileKeyProvider(self.kept).keyring, FileKeyProvider(self.keyring).keyring
        for key_id, key in before.keys.items():
            assert now.keys[key_id].material == key.material
        assert read_all(self.manager, self.expected) == self.expected


@pytest.fixture
def place(store: Store, store_url: str, keyring: Path, driver: Driver, tmp_path: Path) -> Place:
    runs = Runs(driver=driver, store_url=store_url, keyring=keyring, policy=EnginePolicy())
    kept = tmp_path / "kept.json"
    place = Place(store=store, keyring=keyring, runs=runs, expected={}, kept=kept)
    manager = place.manager
    place.expected = fill(manager, secrets=3, versions_each=2)
    manager.create_key(**ME, alias=ALIAS)
    manager.update_secret(**ME, secret_id="secret-2", kms_key_id=ALIAS)
    shutil.copy2(keyring, kept)
    return place


Record = Callable[[str, object], None]


@pytest.mark.parametrize("work", ["rotate_key", "rotate_alias", "create_key"])
def test_a_killed_change_loses_no_key(
    place: Place, work: str, store_engine: str, record_property: Record
) -> None:
    """After a SIGKILL at any fsync, link, rename or commit the keyring is whole, and the change can be repeated."""
    effects = place.runs.run("", do=work).effects
    assert {name.partition(":")[0] for name in effects} == {
        "commit",
        "fsync",
        "link",
        "replace",
        "unlink",
    }
    for number in range(1, len(effects) + 1):
        place.put_back()
        assert place.runs.run("", do=work, kill_at=number).killed
        place.check()
        keys = FileKeyProvider(place.keyring).keyring.keys.keys()
        again = place.runs.run("", do=work)
        assert again.error is None, again.message
        place.check()
        after = FileKeyProvider(place.keyring).keyring
        assert len(after.keys) == len(keys) + 1
        assert [file.name for file in place.keyring.parent.iterdir()] == [place.keyring.name]
    record_property(KILL_POINTS, [f"{work}, {store_engine}", len(effects), len(effects)])


def test_a_killed_disabling_is_done_or_not(
    place: Place, store_engine: str, record_property: Record
) -> None:
    """The key is enabled or disabled, nothing between; enabling it again opens everything."""
    manager = place.manager
    old = manager.list_keys(**ME)[0].key_id
    manager.rotate_key(**ME)
    shutil.copy2(place.keyring, place.kept)
    effects = place.runs.run(old, do="disable_key").effects
    for number in range(1, len(effects) + 1):
        place.put_back()
        assert place.runs.run(old, do="disable_key", kill_at=number).killed
        state = FileKeyProvider(place.keyring).keyring.keys[old].state
        assert state in {KeyState.ENABLED, KeyState.DISABLED}
        assert place.runs.run(old, do="disable_key").error is None
        assert FileKeyProvider(place.keyring).keyring.keys[old].state is KeyState.DISABLED
        assert place.runs.run(old, do="enable_key").error is None
        place.check()
    record_property(KILL_POINTS, [f"disable_key, {store_engine}", len(effects), len(effects)])


def _quick_to_open(keyring: Keyring) -> bytes:
    """An export whose passphrase is cheap to try: it is opened a hundred times."""
    file = io.BytesIO()
    sealer = sealing(file, passphrase=PASSPHRASE, content="keys", cost=2**14)
    sealer.write(keyring_format.encode(keyring))
    sealer.finish()
    return file.getvalue()


@pytest.mark.parametrize("lost", ["a key", "the keyring"])
def test_a_killed_import_can_be_repeated(
    place: Place, tmp_path: Path, lost: str, store_engine: str, record_property: Record
) -> None:
    """Keys come back from their export however often it was killed, into a keyring or in place of a lost one."""
    whole = FileKeyProvider(place.keyring).keyring
    older = next(key_id for key_id in whole.keys if key_id != whole.active)
    file = tmp_path / "export"
    file.write_bytes(_quick_to_open(whole))

    def lose() -> None:
        place.put_back()
        if lost == "a key":
            remove_key(place.keyring, older)
        else:
            place.keyring.unlink()

    lose()
    undisturbed = place.runs.run(str(file), do="import_keys")
    assert undisturbed.error is None, undisturbed.message
    effects = undisturbed.effects
    for number in range(1, len(effects) + 1):
        lose()
        assert place.runs.run(str(file), do="import_keys", kill_at=number).killed
        again = place.runs.run(str(file), do="import_keys")
        assert again.error is None, again.message
        place.check()
    record_property(KILL_POINTS, [f"import of {lost}, {store_engine}", len(effects), len(effects)])


def test_a_killed_rewrap_goes_on_by_itself(
    place: Place, store_engine: str, record_property: Record
) -> None:
    """After a SIGKILL at any commit every value opens; the next run moves the rest, and no more than that."""
    manager = place.manager
    kills = 0
    while True:
        new = {manager.rotate_key(**ME).key_id, manager.rotate_key(**ME, alias=ALIAS).key_id}
        shutil.copy2(place.keyring, place.kept)
        killed = place.runs.run("", do="rewrap_keys", kill_at=kills + 1)
        place.check()
        if not killed.killed:
            break
        kills += 1
        left = sum(key.versions for key in manager.list_keys(**ME) if key.key_id not in new)
        assert manager.rewrap_keys(**ME).moved == left
        assert keys_of(place.store) == new
        place.check()
    assert kills >= 8  # before and after the commits of two checks and of several batches
    record_property(KILL_POINTS, [f"rewrap_keys, {store_engine}", kills, kills])


def test_killed_again_and_again_a_rewrap_gets_through(place: Place) -> None:
    """A rewrap that is killed after every batch or two that it commits ends all the same."""
    manager = place.manager
    new = {manager.rotate_key(**ME).key_id, manager.rotate_key(**ME, alias=ALIAS).key_id}
    runs = 0
    # Eight commits at most: what there is to do, how much of each of four kinds, a batch read, its key, it written.
    while (outcome := place.runs.run("", do="rewrap_keys", kill_at=16)).killed:
        runs += 1
        assert runs < 20, outcome
        place.check()
    assert runs > 1
    assert outcome.error is None, outcome.message
    assert keys_of(place.store) == new
    place.check()
