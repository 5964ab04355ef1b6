"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy, ListResourcePolicies, ValidateResourcePolicy."""

from rotator.api.operations.operation import Given, Operation, Rooms, Structure, Who, named
from rotator.api.wire import present
from rotator.errors import InvalidParameter
from rotator.manager import cursor as cursors
from rotator.manager import limits

_NAME = "default"  # of the one resource policy that a secret has


def _check_name(given: Given) -> None:
    if given.get("PolicyName", _NAME) != _NAME:
        raise InvalidParameter(
            f"A secret has one resource policy, whose name is {_NAME}. Name that, or leave PolicyName out."
        )


def _list_resource_policies(rooms: Rooms, who: Who, given: Given) -> Structure:
    limits.check("ListResourcePolicies", MaxResults=given.get("MaxResults"))
    if "NextToken" in given:
        raise cursors.refused()
    has_one = rooms.manager.list_resource_policies(**who, secret_id=given["SecretId"])
    return {"ResourcePolicies": [{"PolicyName": _NAME}] if has_one else []}


def _put_resource_policy(rooms: Rooms, who: Who, given: Given) -> Structure:
    _check_name(given)
    done = rooms.manager.put_resource_policy(
        **who,
        secret_id=given["SecretId"],
        resource_policy=given["ResourcePolicy"],
        block_public_policy=given.get("BlockPublicPolicy", False),
    )
    return named(done)


def _get_resource_policy(rooms: Rooms, who: Who, given: Given) -> Structure:
    _check_name(given)
    found = rooms.manager.get_resource_policy(**who, secret_id=given["SecretId"])
    return present(ARN=found.arn, Name=found.name, ResourcePolicy=found.policy)


def _delete_resource_policy(rooms: Rooms, who: Who, given: Given) -> Structure:
    _check_name(given)
    return named(rooms.manager.delete_resource_policy(**who, secret_id=given["SecretId"]))


def _validate_resource_policy(rooms: Rooms, who: Who, given: Given) -> Structure:
    found = rooms.manager.validate_resource_policy(
        **who, secret_id=given.get("SecretId"), resource_policy=given["ResourcePolicy"]
    )
    return {
        "PolicyValidationPassed": found.passed,
        "ValidationErrors": [
            {"CheckName": problem.check, "ErrorMessage": problem.message}
            for problem in found.problems
        ],
    }


OPERATIONS = (
    Operation("PutResourcePolicy", _put_resource_policy),
    Operation("GetResourcePolicy", _get_resource_policy),
    Operation("DeleteResourcePolicy", _delete_resource_policy),
    Operation("ListResourcePolicies", _list_resource_policies),
    Operation("ValidateResourcePolicy", _validate_resource_policy),
)
