"""What policies say: by table, and against another reader of the same policies."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotator.access.conditions import hold
from rotator.access.decision import (
    Asker,
    Decision,
    OnResource,
    Question,
    Reason,
    asks_the_request,
    decide,
)
from rotator.model.policy_document import parse_identity_policy, parse_policy
from rotator.store.principal_rows import Attached
from tests.unit.access import naive_policies

HERE, THERE = "123456789012", "999999999999"
ME = f"arn:aws:iam::{HERE}:user/alice"
SECRET = f"arn:aws:secretsmanager:eu-central-1:{HERE}:secret:prod/db-AbCdEf"
READ = "secretsmanager:GetSecretValue"


class Keys:
    """A request's condition keys."""

    def __init__(self, keys: Mapping[str, Sequence[str]]) -> None:
        self._keys = {key.lower(): values for key, values in keys.items()}

    def get(self, key: str) -> Sequence[str]:
        return self._keys.get(key, ())


def policy(*statements: Mapping[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def own(effect: str = "Allow", **members: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": READ, "Resource": "*", **members}


def on_secret(effect: str = "Allow", who: Any = ME, **members: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": {"AWS": who}, "Action": READ, "Resource": "*", **members}


def ask(
    *identity: Mapping[str, Any],
    resource: Sequence[Mapping[str, Any]] | None = None,
    account: str = HERE,
    action: str = READ,
    arn: str = SECRET,
    version: str = "2012-10-17",
    **keys: Sequence[str],
) -> Decision:
    """What the policies say of alice's request."""
    attached = [
        Attached(owner=ME, name="p", document=parse_identity_policy(policy(*said, version=version)))
        for said in [identity]
        if said
    ]
    question = Question(
        asker=Asker(arn=ME, account=HERE, user_id="AIDA0123456789ABCDEF"),
        action=action,
        resource=arn,
        account=account,
        context=Keys({name.replace("__", ":"): values for name, values in keys.items()}),
    )
    on = None if resource is None else OnResource(document=parse_policy(policy(*resource)))
    return decide(question, identity=attached, resource=on)


NOTHING = own(Action="secretsmanager:ListSecrets")


@pytest.mark.parametrize(
    ("identity", "resource", "account", "reason"),
    [
        ([own()], None, HERE, Reason.ALLOWED_BY_IDENTITY),
        ([NOTHING], None, HERE, Reason.NOT_ALLOWED_BY_IDENTITY),
        ([], None, HERE, Reason.NOT_ALLOWED_BY_IDENTITY),
        ([own(), own("Deny")], None, HERE, Reason.DENIED_BY_IDENTITY),
        ([own("Deny")], [on_secret()], HERE, Reason.DENIED_BY_IDENTITY),
        ([own()], [on_secret("Deny")], HERE, Reason.DENIED_BY_RESOURCE),
        ([own()], [on_secret("Deny", HERE)], HERE, Reason.DENIED_BY_RESOURCE),
        ([own()], [on_secret("Deny", "*")], HERE, Reason.DENIED_BY_RESOURCE),
        ([own()], [on_secret("Deny", THERE)], HERE, Reason.ALLOWED_BY_IDENTITY),
        ([NOTHING], [on_secret()], HERE, Reason.ALLOWED_BY_RESOURCE),
        ([NOTHING], [on_secret(who="*")], HERE, Reason.ALLOWED_BY_RESOURCE),
        ([NOTHING], [on_secret(who="AIDA0123456789ABCDEF")], HERE, Reason.ALLOWED_BY_RESOURCE),
        # To name an account leaves it to the account's own policies.
        ([NOTHING], [on_secret(who=HERE)], HERE, Reason.NOT_ALLOWED_BY_IDENTITY),
        (
            [NOTHING],
            [on_secret(who=f"arn:aws:iam::{HERE}:root")],
            HERE,
            Reason.NOT_ALLOWED_BY_IDENTITY,
        ),
        ([NOTHING], [on_secret(who=HERE), on_secret()], HERE, Reason.ALLOWED_BY_RESOURCE),
        # Across accounts it takes both.
        ([own()], None, THERE, Reason.NOT_ALLOWED_BY_RESOURCE),
        ([own()], [on_secret(who=THERE)], THERE, Reason.NOT_ALLOWED_BY_RESOURCE),
        ([NOTHING], [on_secret()], THERE, Reason.NOT_ALLOWED_BY_IDENTITY),
        ([own()], [on_secret()], THERE, Reason.ALLOWED_BY_BOTH),
        ([own()], [on_secret(who=HERE)], THERE, Reason.ALLOWED_BY_BOTH),
        ([own()], [on_secret(who="*")], THERE, Reason.ALLOWED_BY_BOTH),
        ([own()], [on_secret(), on_secret("Deny")], THERE, Reason.DENIED_BY_RESOURCE),
        ([own(), own("Deny")], [on_secret()], THERE, Reason.DENIED_BY_IDENTITY),
    ],
)
def test_both_sides(
    identity: list[dict[str, Any]],
    resource: list[dict[str, Any]] | None,
    account: str,
    reason: Reason,
) -> None:
    """Explicit deny wins, nothing is denied, one side is enough at home, and it takes both across accounts."""
    decision = ask(*identity, resource=resource, account=account)

    assert decision.reason is reason
    assert decision.allowed is reason.value.startswith("allowed")


def test_the_statement_that_decided_is_named() -> None:
    """By its Sid, or else by its number."""
    assert ask(NOTHING, own()).statement == f"{ME} policy p, statement 2"
    assert ask(own(), own("Deny", Sid="Never")).statement == f"{ME} policy p, statement Never"
    assert ask(NOTHING).statement is None


def test_a_policy_that_is_none_denies_everything() -> None:
    """What can't be read might forbid it."""
    question = Question(
        asker=Asker(arn=ME, account=HERE, user_id="x"),
        action=READ,
        resource=SECRET,
        account=HERE,
        context=Keys({}),
    )
    good = Attached(owner=ME, name="p", document=parse_identity_policy(policy(own())))
    for identity, resource in (
        ([good, Attached(owner=ME, name="q", document=None)], None),
        ([good], OnResource(document=None)),
    ):
        assert not decide(question, identity=identity, resource=resource).allowed


@pytest.mark.parametrize(
    ("members", "allowed"),
    [
        ({"Action": "*"}, True),
        ({"Action": "secretsmanager:get*"}, True),
        ({"Action": "SECRETSMANAGER:GETSECRETVALU?"}, True),
        ({"Action": "secretsmanager:GetSecret"}, False),
        ({"Action": ["secretsmanager:List*", READ]}, True),
        ({"Action": None, "NotAction": "secretsmanager:Delete*"}, True),
        ({"Action": None, "NotAction": ["secretsmanager:Delete*", READ]}, False),
        ({"Resource": SECRET}, True),
        ({"Resource": SECRET.replace("AbCdEf", "??????")}, True),
        ({"Resource": SECRET.replace("AbCdEf", "?????")}, False),
        ({"Resource": SECRET.replace("prod", "PROD")}, False),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:prod/*"}, True),
        ({"Resource": "arn:aws:secretsmanager:*:secret:prod/*"}, False),
        ({"Resource": "arn:aws:s3:*:*:*"}, False),
        # What is left out at the end may be anything.
        ({"Resource": "arn:aws:secretsmanager"}, True),
        ({"Resource": "arn:aws:s3"}, False),
        ({"Resource": None, "NotResource": "arn:aws:secretsmanager:*:*:secret:test/*"}, True),
        ({"Resource": None, "NotResource": "arn:aws:secretsmanager:*:*:secret:prod/*"}, False),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:${aws:username}/*"}, True),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:${aws:UserId}/*"}, False),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:${aws:UserId, 'prod'}/*"}, True),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:${aws:TagKeys}/*"}, False),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:${*}*"}, False),
    ],
)
def test_what_a_statement_is_about(members: dict[str, Any], allowed: bool) -> None:
    """Actions whatever their case, resources part by part, and either turned around; variables stand for a name."""
    said = {k: v for k, v in own(**members).items() if v is not None}

    decision = ask(said, aws__username=["prod"], aws__TagKeys=["a", "b"])

    assert decision.allowed is allowed


def test_variables_are_of_the_later_version() -> None:
    """Before it `${aws:username}` was a text like any other; a value never brings a wildcard along."""
    said = own(Resource="arn:aws:secretsmanager:*:*:secret:${aws:username}/*")
    assert not ask(said, version="2008-10-17", aws__username=["prod"]).allowed
    assert not ask(said, aws__username=["*"]).allowed
    assert not ask(said, aws__username=["p?od"]).allowed


def test_principals_turned_around() -> None:
    """Everyone but those named, by themselves or with their account."""
    others = {"Effect": "Allow", "NotPrincipal": {"AWS": THERE}, "Action": READ, "Resource": "*"}
    for named, allowed in ((THERE, True), (HERE, False), (ME, False), ("*", False)):
        said = {**others, "NotPrincipal": {"AWS": named}}
        assert ask(NOTHING, resource=[said]).allowed is allowed, named


# Operator, what the policy says, what the request has, whether it holds.
CONDITIONS: list[tuple[str, Any, Sequence[str], bool]] = [
    ("StringEquals", "a", ["a"], True),
    ("StringEquals", "a", ["A"], False),
    ("StringEquals", ["b", "a"], ["a"], True),
    ("StringEquals", "a*", ["ab"], False),
    ("StringEquals", "a", [], False),
    ("StringEquals", "${k}", ["a"], True),
    ("StringEqualsIfExists", "a", [], True),
    ("StringEqualsIfExists", "a", ["b"], False),
    ("StringNotEquals", "a", ["b"], True),
    ("StringNotEquals", ["a", "b"], ["b"], False),
    ("StringNotEquals", "a", [], True),
    ("StringNotEqualsIfExists", "a", [], True),
    ("StringEqualsIgnoreCase", "a", ["A"], True),
    ("StringNotEqualsIgnoreCase", "a", ["A"], False),
    ("StringLike", "a*c", ["abbc"], True),
    ("StringLike", "a?c", ["abbc"], False),
    ("StringLike", "a[b]c", ["abc"], False),
    ("StringLike", "a.c", ["abc"], False),
    ("StringNotLike", "a*", ["b"], True),
    ("StringNotLike", "a*", ["ab"], False),
    ("NumericEquals", "7", ["7.0"], True),
    ("NumericEquals", "7", ["seven"], False),
    ("NumericNotEquals", "7", ["8"], True),
    ("NumericLessThan", "7", ["6"], True),
    ("NumericLessThan", "7", ["7"], False),
    ("NumericLessThanEquals", "7", ["7"], True),
    ("NumericGreaterThan", "7", ["10"], True),
    ("NumericGreaterThan", "7", [], False),
    ("NumericGreaterThanEquals", "7", ["6"], False),
    ("NumericEquals", "nan", ["nan"], False),
    ("DateEquals", "2026-03-14T15:09:26Z", ["2026-03-14T16:09:26+01:00"], True),
    ("DateEquals", "2026-03-14T00:00:00Z", ["1773446400"], True),
    ("DateNotEquals", "2026-03-14", ["2026-03-15"], True),
    ("DateLessThan", "2026-03-14", ["2026-03-13T23:59:59Z"], True),
    ("DateLessThan", "2026-03-14", ["2026-03-14T00:00:00Z"], False),
    ("DateLessThanEquals", "2026-03-14", ["2026-03-14T00:00:00Z"], True),
    ("DateGreaterThan", "2026", ["2026-01-01T00:00:01Z"], True),
    ("DateGreaterThan", "someday", ["2026-01-01T00:00:01Z"], False),
    ("DateGreaterThanEquals", "2026-03-14", ["2026-03-13"], False),
    ("Bool", "true", ["true"], True),
    ("Bool", "True", ["true"], True),
    ("Bool", "false", ["true"], False),
    ("Bool", "true", [], False),
    ("BoolIfExists", "true", [], True),
    ("BinaryEquals", "QmluYXJ5", ["QmluYXJ5"], True),
    ("BinaryEquals", "QmluYXJ5", ["Qml="], False),
    ("IpAddress", "192.0.2.0/24", ["192.0.2.7"], True),
    ("IpAddress", "192.0.2.7", ["192.0.2.7"], True),
    ("IpAddress", "192.0.2.0/24", ["198.51.100.1"], False),
    ("IpAddress", "2001:db8::/32", ["2001:db8::1"], True),
    ("IpAddress", "192.0.2.0/24", ["2001:db8::1"], False),
    ("IpAddress", "nowhere", ["192.0.2.7"], False),
    ("IpAddress", "192.0.2.0/24", [], False),
    ("NotIpAddress", "192.0.2.0/24", ["198.51.100.1"], True),
    ("NotIpAddress", "192.0.2.0/24", ["192.0.2.7"], False),
    ("NotIpAddress", "192.0.2.0/24", [], True),
    ("ArnEquals", "arn:aws:iam::*:user/*", [ME], True),
    ("ArnLike", "arn:aws:iam::*:user/bob", [ME], False),
    ("ArnLike", "arn:aws:*:user/alice", [ME], False),
    ("ArnNotEquals", "arn:aws:iam::*:user/bob", [ME], True),
    ("ArnNotLike", "arn:aws:iam::*:user/*", [ME], False),
    ("Null", "true", [], True),
    ("Null", "true", ["a"], False),
    ("Null", "false", ["a"], True),
    ("Null", "false", [], False),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
    ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
    ("ForAllValues:StringEquals", "a", [], True),
    ("ForAllValues:StringNotEquals", "a", ["b", "c"], True),
    ("ForAllValues:StringNotEquals", "a", ["b", "a"], False),
    ("ForAnyValue:StringEquals", "a", ["c", "a"], True),
    ("ForAnyValue:StringEquals", "a", ["c"], False),
    ("ForAnyValue:StringEquals", "a", [], False),
    ("ForAnyValue:StringNotEquals", "a", ["a", "b"], True),
    ("ForAnyValue:StringNotEquals", "a", ["a"], False),
    ("ForAnyValue:StringNotEquals", "a", [], False),
    ("StringNotEquals", "a", ["b", "a"], False),
    ("StringEquals", "a", ["b", "a"], True),
]


@pytest.mark.parametrize(("operator", "said", "has", "holds"), CONDITIONS)
def test_conditions(operator: str, said: Any, has: Sequence[str], holds: bool) -> None:
    """Every operator, with and without the key, with one value and several."""
    parsed = parse_identity_policy(policy(own(Condition={operator: {"k": said}})))
    [of_statement] = parsed.statements

    assert hold(of_statement.conditions, Keys({"K": has}), variables=True) is holds


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    """Whoever may write a policy can't keep the server busy with it."""
    for stars in ("*" * 2000, "*a" * 1000, "*?" * 200 + "*z"):
        said = own(Resource=f"arn:aws:secretsmanager:*:*:secret:{stars}x")
        assert not ask(said, arn=f"{SECRET}{'a' * 500}").allowed


TEXTS = st.sampled_from(["a", "b", "ab", "a*", "?", "*", "aXb"])
NUMBERS = st.sampled_from(["1", "2", "3.5"])
OF_TEXTS = st.builds(
    lambda of_set, name, lenient: f"{of_set}{name}{lenient}",
    st.sampled_from(["", "ForAllValues:", "ForAnyValue:"]),
    st.sampled_from(["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]),
    st.sampled_from(["", "IfExists"]),
)
OF_NUMBERS = st.sampled_from(["NumericLessThan", "NumericNotEquals", "NumericLessThanIfExists"])
CONDITION = st.one_of(
    st.dictionaries(
        OF_TEXTS,
        st.dictionaries(
            st.sampled_from(["aws:x", "AWS:Y"]), st.lists(TEXTS, min_size=1, max_size=2), max_size=2
        ),
        max_size=2,
    ),
    st.dictionaries(
        OF_NUMBERS,
        st.dictionaries(st.just("aws:n"), st.lists(NUMBERS, min_size=1, max_size=2)),
        max_size=1,
    ),
    st.just({"Null": {"aws:x": "true"}}),
    st.just({"Null": {"aws:x": "false"}}),
)
ACTIONS = st.lists(
    st.sampled_from(["*", READ, "secretsmanager:*", "SecretsManager:get*", "secretsmanager:List*"]),
    min_size=1,
    max_size=2,
)
RESOURCES = st.lists(
    st.sampled_from(
        [
            "*",
            SECRET,
            "arn:aws:secretsmanager:*:*:secret:prod/*",
            "arn:aws:secretsmanager:*:*:secret:test/*",
        ]
    ),
    min_size=1,
    max_size=2,
)
PRINCIPALS = st.one_of(
    st.just("*"),
    st.lists(st.sampled_from(["*", ME, HERE, THERE, f"arn:aws:iam::{HERE}:root"]), min_size=1).map(
        lambda names: {"AWS": names}
    ),
)


@st.composite
def statements(draw: st.DrawFn, *, on_resource: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(ACTIONS),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(RESOURCES),
    }
    if draw(st.booleans()):
        made["Condition"] = draw(CONDITION)
    if on_resource:
        made[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(PRINCIPALS)
    return made


def policies(*, on_resource: bool) -> st.SearchStrategy[dict[str, Any]]:
    said = st.lists(statements(on_resource=on_resource), min_size=1, max_size=3)
    return said.map(lambda each: {"Version": "2012-10-17", "Statement": each})


@settings(max_examples=300)
@given(
    identity=st.lists(policies(on_resource=False), max_size=2),
    resource=st.none() | policies(on_resource=True),
    account=st.sampled_from([HERE, THERE]),
    context=st.fixed_dictionaries(
        {
            "aws:x": st.lists(st.sampled_from(["a", "b", "aXb"]), max_size=2, unique=True),
            "aws:y": st.lists(st.sampled_from(["a", "ab"]), max_size=1),
            "aws:n": st.lists(NUMBERS, max_size=1),
        }
    ),
)
def test_another_reader_comes_to_the_same(
    identity: list[dict[str, Any]],
    resource: dict[str, Any] | None,
    account: str,
    context: dict[str, list[str]],
) -> None:
    """Whatever the policies and the request are."""
    question = Question(
        asker=Asker(arn=ME, account=HERE, user_id="AIDA0123456789ABCDEF"),
        action=READ,
        resource=SECRET,
        account=account,
        context=Keys(context),
    )
    attached = [
        Attached(owner=ME, name=str(number), document=parse_identity_policy(json.dumps(each)))
        for number, each in enumerate(identity)
    ]
    on = None if resource is None else OnResource(document=parse_policy(json.dumps(resource)))

    decision = decide(question, identity=attached, resource=on)

    asked = {
        "asker": {"arn": ME, "account": HERE},
        "action": READ,
        "resource": SECRET,
        "account": account,
        "context": context,
    }
    assert decision.allowed is naive_policies.allowed(identity, resource, asked)


@pytest.mark.parametrize(
    ("statements", "asks"),
    [
        ([own()], False),
        ([own(), own("Deny", Resource=f"{SECRET[:-6]}*")], False),
        ([own(Condition={"Null": {"aws:TokenIssueTime": "true"}})], True),
        ([own(), own("Deny", Condition={"Bool": {"aws:SecureTransport": "false"}})], True),
        ([own(Resource="arn:aws:secretsmanager:*:*:secret:${aws:username}/*")], True),
        ([own(Resource=None, NotResource="arn:aws:secretsmanager:*:*:secret:${a}")], True),
    ],
)
def test_conditions_and_variables_ask_the_request(
    statements: Sequence[Mapping[str, Any]], asks: bool
) -> None:
    """A statement with conditions or variables may say something else of the next request; no other does."""
    said = [{k: v for k, v in one.items() if v is not None} for one in statements]
    document = parse_identity_policy(policy(*said))
    assert asks_the_request([Attached(owner=ME, name="p", document=document)]) is asks


def test_what_is_no_policy_asks_nothing() -> None:
    """It denies every request."""
    assert not asks_the_request([Attached(owner=ME, name="p", document=None)])
    assert not asks_the_request([])
