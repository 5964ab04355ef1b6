"""The port for rotation functions, as the configuration changes."""

import uuid
from typing import Any

import pytest

from rotator.api.loopback import Loopback
from rotator.manager.manager import SecretsManager
from rotator.manager.next_due import Planner
from rotator.model.rules import Limits
from rotator.sdk import SecretValue
from tests.support.api import ServedApi, client_of
from tests.support.manager import ACCOUNT, ME, REGION


@pytest.mark.parametrize("is_serving", [False, True])
def test_calls_are_done_as_the_settings_are_now(api: ServedApi, is_serving: bool) -> None:
    """Whether it has served before they were read anew or not."""
    house = api.house
    name = f"loopback/{uuid.uuid4().hex}"
    house.manager.create_secret(**ME, name=name, value=SecretValue(string="x"))
    loopback = Loopback(
        store=house.store,
        sealer=house.sealer,
        manager=lambda: house.manager,
        engine=lambda: house.engine(parks=True),
        account=ACCOUNT,
        region=REGION,
        regions=frozenset({REGION}),
    )
    strict = SecretsManager(house.store, house.sealer, planner=Planner(limits=Limits.AWS))
    rules: Any = {
        "SecretId": name,
        "RotationLambdaARN": "generic-password",
        "RotateImmediately": False,
        "RotationRules": {"ScheduleExpression": "rate(1 hour)"},
    }
    try:
        if is_serving:
            client_of(loopback.endpoint().url).rotate_secret(**rules)
        loopback.use(manager=lambda: strict, engine=lambda: house.engine(parks=True))
        client = client_of(loopback.endpoint().url)
        with pytest.raises(client.exceptions.InvalidParameterException, match="allowed: 4 to"):
            client.rotate_secret(**rules)
    finally:
        loopback.close()
