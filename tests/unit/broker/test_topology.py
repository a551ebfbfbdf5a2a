"""The topology as data: design 7, and what RabbitMQ demands of it."""

from daemon.broker import topology


def test_every_name_is_under_the_prefix() -> None:
    """Two systems with different prefixes share no name in one broker."""
    ours = topology.names("ours")
    for name in (ours.requests, ours.normal, ours.urgent, ours.events, ours.unrouted, ours.dead):
        assert name == "ours" or name.startswith("ours.")


def test_a_request_queue_keeps_what_it_can_not_dead_letter() -> None:
    """At-least-once dead-lettering stands with the overflow that RabbitMQ wants for it."""
    name = topology.names("p")
    for queue in topology.queues("p"):
        if queue.name in (name.normal, name.urgent):
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
            assert queue.arguments["x-overflow"] == "reject-publish"
            assert queue.arguments["x-dead-letter-exchange"] == name.dead
            assert queue.arguments["x-delivery-limit"] == 20


def test_looking_never_wears_a_dead_letter_out() -> None:
    """RabbitMQ 4 forgets what came back 20 times, unless the queue says otherwise."""
    name = topology.names("p")
    [dead] = [queue for queue in topology.queues("p") if queue.name == name.dead]
    assert dead.arguments["x-delivery-limit"] >= 1_000_000


def test_nothing_refers_to_what_does_not_exist() -> None:
    """Every exchange that a queue, a binding or an alternate names is among the declared ones."""
    shown = topology.show("p", vhost="v")
    exchanges = {each["name"] for each in shown["exchanges"]}
    queues = {each["name"] for each in shown["queues"]}
    named = [each["arguments"].get("alternate-exchange") for each in shown["exchanges"]]
    named += [each["arguments"].get("x-dead-letter-exchange") for each in shown["queues"]]
    assert {name for name in named if name} <= exchanges
    for binding in shown["bindings"]:
        assert binding["source"] in exchanges
        assert binding["destination"] in queues


def test_definitions_as_rabbitmq_imports_them() -> None:
    """Everything is durable, every queue a quorum queue, and every entry names the virtual host."""
    shown = topology.show("p", vhost="v")
    for each in shown["exchanges"] + shown["queues"]:
        assert (each["durable"], each["auto_delete"], each["vhost"]) == (True, False, "v")
    assert {each["arguments"]["x-queue-type"] for each in shown["queues"]} == {"quorum"}
    assert {each["vhost"] for each in shown["bindings"]} == {"v"}
