"""A rotator of API keys, which their service issues: as an author would write it."""

import json
from http.client import HTTPConnection
from typing import Any

from rotator.sdk import (
    Authority,
    Candidate,
    OutcomeUnknown,
    Overlap,
    Proof,
    Rotation,
    Rotator,
    SecretValue,
    TargetRefused,
)


class ApiKeys(Rotator):
    """Has a new key issued beside the old one, which is deleted when it is retired."""

    name = "api-keys"
    summary = "API keys of the tests' own service"
    overlap = Overlap.DUAL
    issues_value = True

    def claims(self, value: SecretValue) -> Authority:
        fields = value.fields()
        return Authority(host=fields["host"], port=fields["port"], users=(fields["username"],))

    def create_secret(self, rotation: Rotation) -> SecretValue:
        rotation.check_deadline()
        status, issued = self._ask(rotation, "POST", "/keys", {"under": rotation.token})
        if (
            status == 409
        ):  # issued by a run that died before it could keep it; it is shown only once
            self._ask(rotation, "DELETE", f"/keys/{issued['id']}")
            rotation.check_deadline()
            status, issued = self._ask(rotation, "POST", "/keys", {"under": rotation.token})
        fields = rotation.current.fields()
        return SecretValue.from_json(fields | {"id": issued["id"], "password": issued["key"]})

    def set_secret(self, rotation: Rotation) -> None:
        """Nothing is left to do: a key works from the moment that it is issued."""

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        status, _ = self._request(rotation, rotation.value(candidate), "GET", "/keys")
        return Proof.ACCEPTED if status == 200 else Proof.REFUSED

    def revert_secret(self, rotation: Rotation) -> None:
        _, keys = self._ask(rotation, "GET", "/keys", by=Candidate.CURRENT)
        for key in keys:
            if key["under"] == rotation.token:
                rotation.check_deadline()
                self._ask(rotation, "DELETE", f"/keys/{key['id']}", by=Candidate.CURRENT)

    def retire_secret(self, rotation: Rotation) -> None:
        rotation.check_deadline()
        self._ask(rotation, "DELETE", f"/keys/{rotation.current.fields()['id']}")

    def _ask(
        self,
        rotation: Rotation,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: Candidate | None = None,
    ) -> tuple[int, Any]:
        status, answer = self._request(
            rotation, rotation.value(by or rotation.live), method, path, body
        )
        if status == 401:
            raise TargetRefused("the service refuses the key that the change was to be made with")
        return status, answer

    def _request(
        self, rotation: Rotation, value: SecretValue, method: str, path: str, body: Any = None
    ) -> tuple[int, Any]:
        fields = value.fields()
        connection = HTTPConnection(fields["host"], fields["port"], timeout=rotation.remaining())
        try:
            headers = {"Authorization": f"Bearer {fields['password']}"}
            connection.request(method, path, body=json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError as lost:
            raise OutcomeUnknown(f"the service did not answer: {type(lost).__name__}") from None
        finally:
            connection.close()
