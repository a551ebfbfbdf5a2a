"""That the parts of a configuration fit together."""

import pytest
from pydantic import ValidationError

from daemon.config import Config, check


def customer(number, **more):
    """A customer as written."""
    return {"id": number, "name": "x", **more}


def transport(number, **more):
    """A transport of customer 1 as written."""
    return {"id": number, "customer": 1, "name": "x", "host": "h", **more}


def found(**sections):
    """The keys that `problems` names."""
    return [key for key, _ in check.problems(Config.model_validate(sections))]


def test_nothing_to_complain():
    """A sound configuration has no problems."""
    rows = [customer(1), customer(2, parent=1), customer(3, parent=2, timezone="UTC")]
    transports = [transport(1, is_default=True), transport(2, customer=2, is_default=True)]
    token = [{"customer": 3, "token": "t"}]
    assert not found(customer=rows, transport=transports, token=token, intake={"anonymous": 2})


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"customer": [customer(1), customer(1)]}, ("customer", 1, "id")),
        ({"customer": [customer(1, parent=2)]}, ("customer", 0, "parent")),
        ({"customer": [customer(1, parent=1)]}, ("customer", 0, "parent")),
        (
            {"customer": [customer(1, status="deleted"), customer(2, parent=1)]},
            ("customer", 1, "parent"),
        ),
        ({"transport": [transport(1)]}, ("transport", 0, "customer")),
        ({"token": [{"customer": 1, "token": "t"}]}, ("token", 0, "customer")),
        ({"intake": {"anonymous": 1}}, ("intake", "anonymous")),
        ({"intake": {"users": {"shop": 1}}}, ("intake", "users", "shop")),
        ({"retry": {"first": "2h", "cap": "1h"}}, ("retry", "first")),
        ({"retry": {"hint_min": "2h", "hint_max": "1h"}}, ("retry", "hint_min")),
        ({"dispatch": {"hold": 50}}, ("dispatch", "permit_size")),
        ({"delivery": {"mode": "file"}}, ("delivery", "folder")),
        ({"rabbitmq": {"url": "http://mq.example.com/"}}, ("rabbitmq", "url")),
        ({"rabbitmq": {"url": "amqp://mq.example.com:port/"}}, ("rabbitmq", "url")),
        ({"rabbitmq": {"url": "amqp://[::1"}}, ("rabbitmq", "url")),
        ({"postgres": {"dsn": "host=db.example.com"}}, ("postgres", "dsn")),
        ({"delivery": {"hostname": "[192.0.2.1]"}}, ("delivery", "message_domain")),
        ({"delivery": {"message_domain": "my_host"}}, ("delivery", "message_domain")),
    ],
)
def test_problem(sections, key):
    """Each law names the key that breaks it, and nothing else."""
    assert found(**sections) == [key]


def test_one_default_transport():
    """A customer has one default transport, and others have their own."""
    rows = [transport(1, is_default=True), transport(2), transport(3, is_default=True)]
    assert found(customer=[customer(1)], transport=rows) == [("transport", 2, "is_default")]


def test_transport_ids_are_unique():
    """A number means one transport."""
    rows = [transport(1), transport(1)]
    assert found(customer=[customer(1)], transport=rows) == [("transport", 1, "id")]


@pytest.mark.parametrize("login", [{"username": "u"}, {"password": "p"}])
def test_login_is_whole(login):
    """Half a login is a mistake."""
    rows = [transport(1, **login)]
    assert found(customer=[customer(1)], transport=rows) == [("transport", 0, "username")]


@pytest.mark.parametrize(
    ("way", "key"), [({"tls": "none"}, "tls"), ({"tls": "implicit", "verify": False}, "verify")]
)
def test_no_login_in_clear(way, key):
    """Credentials that anybody could read on their way are a mistake, told before any is sent."""
    rows = [transport(1, username="u", password="p", **way)]
    assert found(customer=[customer(1)], transport=rows) == [("transport", 0, key)]


@pytest.mark.parametrize(
    "row", [{"max_connections": 2**31}, {"id": 2**63}, {"name": "a\0b"}, {"from_name": "\0"}]
)
def test_what_no_database_holds(row):
    """A number too large or a NUL is refused here, and ends no daemon that reads it again."""
    with pytest.raises(ValidationError, match=r"less than|without NUL"):
        Config.model_validate({"transport": [{**transport(1), **row}]})


def test_circle():
    """Customers that are their own ancestors are all named, whoever hangs below is not."""
    rows = [
        customer(1, parent=3),
        customer(2, parent=1),
        customer(3, parent=2),
        customer(4, parent=1),
    ]
    assert found(customer=rows) == [("customer", place, "parent") for place in range(3)]


def test_token_twice():
    """A credential speaks for one customer."""
    token = {"customer": 1, "token": "t"}
    assert found(customer=[customer(1)], token=[token, token]) == [("token", 1, "token")]
