"""The safeguards whose absence must be noticed: what each is for, and how it is taken out.

A safeguard is taken out of a copy of the code by replacing a text that stands in it exactly once,
so that nothing in the daemon itself knows of it; `mutants` does that. A text that isn't found any
more is a failure: whoever moves a safeguard says here where it has gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

UNIT, INTEGRATION, STORIES = "tests/unit", "tests/integration", "tests/stories"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A text of a file, and what stands there once the safeguard is gone."""

    path: str
    text: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Safeguard:
    """One of them, and the tests that would notice."""

    name: str
    promise: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def _one(name: str, promise: str, edit: tuple[str, str, str], *tests: str) -> Safeguard:
    path, text, instead = edit
    edits = (Edit(path=f"daemon/{path}", text=text, instead=instead),)
    return Safeguard(name=name, promise=promise, edits=edits, tests=tests)


def _of_requests() -> Iterator[Safeguard]:
    desk = "daemon/intake/desk.py"
    serve = "                await self._serve(some)\n"
    early = "                self._consumer.ack(some)\n"
    yield Safeguard(
        name="ack-after-commit",
        promise="a parcel is acknowledged only after its transaction has committed",
        edits=(
            Edit(path=desk, text=serve, instead=f"{early}{serve}"),
            Edit(
                path=desk,
                text="        self._consumer.ack([end.pair.parcel for end in ends])\n",
                instead="",
            ),
        ),
        tests=(f"{STORIES}/test_crashpoints.py::test_alone[C2]",),
    )
    yield _one(
        "keys", "the same key again is the same job",
        ("store/sql/accept.sql", "WHERE request_seen.expires_at <= now()", "WHERE true"),
        f"{INTEGRATION}/intake/test_accept.py",
    )  # fmt: skip
    yield _one(
        "conflicts", "another body under a known key is refused",
        ("intake/keys.py", "if known.body_hash == ask.body_hash:", "if True:"),
        f"{INTEGRATION}/intake/test_accept.py",
    )  # fmt: skip
    yield _one(
        "redelivered", "a redelivered parcel without a key is recognised",
        ("intake/accept.py", "elif request_id is None and ask.redelivered:", "elif False:"),
        f"{INTEGRATION}/intake/test_accept.py",
    )  # fmt: skip
    yield _one(
        "confirmed-burial", "a parcel leaves the queue only once its dead letter is confirmed",
        ("intake/post.py", "[fate is Fate.CONFIRMED for fate in published.fates]",
         "[True for _ in published.fates]"),
        f"{INTEGRATION}/intake/test_desk.py",
    )  # fmt: skip
    yield _one(
        "owed-answers", "an answer that waits for the broker outlives whoever owes it",
        ("intake/post.py", "        await self._owing.note(letters)\n", ""),
        f"{STORIES}/test_broker_troubled.py::test_another_gives_the_answers_of_the_dead",
    )  # fmt: skip
    yield _one(
        "mandatory", "what reaches nobody is known to have reached nobody",
        ("broker/encode.py", "payload + _MANDATORY", 'payload + b"\\0"'),
        f"{INTEGRATION}/broker/test_publisher.py",
    )  # fmt: skip
    yield _one(
        "stale-acks", "an acknowledgement belongs to the session of its parcel",
        ("broker/consumer.py",
         "parcel in parcels if session and parcel.session == session.number]",
         "parcel in parcels if session]"),
        f"{INTEGRATION}/broker/test_consumer.py", f"{UNIT}/broker/test_consumer.py",
    )  # fmt: skip


def _of_decisions() -> Iterator[Safeguard]:
    yield _one(
        "fencing", "only the current epoch decides",
        ("mail/settle.py", "return held and batch.epoch == fact.epoch", "return held"),
        f"{UNIT}/mail/test_settle.py", f"{INTEGRATION}/dispatch/test_settling.py",
    )  # fmt: skip
    yield _one(
        "late-success", "a 2xx that is heard of too late still ends a doubt",
        ("mail/settle.py", "outcome.Sent) and was in LATE:", "outcome.Sent) and False:"),
        f"{UNIT}/mail/test_settle.py",
    )  # fmt: skip
    yield _one(
        "due", "never early",
        ("store/sql/dispatch.sql", "NOT b.done AND b.due_at <= now()", "NOT b.done"),
        f"{INTEGRATION}/dispatch/test_claims.py",
    )  # fmt: skip
    yield _one(
        "owner", "a batch has one owner",
        ("store/sql/dispatch.sql",
         "AND b.class = $2 AND b.rank IS NOT NULL AND b.owner IS NULL AND NOT b.done",
         "AND b.class = $2 AND b.rank IS NOT NULL AND NOT b.done"),
        f"{INTEGRATION}/dispatch/test_claims.py",
    )  # fmt: skip
    yield _one(
        "permit-window", "a permit is void after its window",
        ("dispatch/ready.py", "return clock.now() >= held.until", "return False"),
        f"{UNIT}/dispatch/test_lane.py",
    )  # fmt: skip
    yield _one(
        "express-paused", "nothing of a paused customer is taken by its accept",
        ("store/sql/expansion.sql", "WHEN NOT w.waits AND j.not_before <= now()",
         "WHEN j.not_before <= now()"),
        f"{INTEGRATION}/dispatch/test_express.py",
    )  # fmt: skip
    yield _one(
        "express-strays", "what is ours unheard is nobody's as long as it may become known",
        ("dispatch/strays.py", "asked - since > self._window", "True"),
        f"{UNIT}/dispatch/test_strays.py",
    )  # fmt: skip
    yield _one(
        "express-line", "nobody goes past those who wait",
        ("dispatch/crew.py", "lane.lane.max_per_second > 0 or lane.has(klass) or",
         "lane.lane.max_per_second > 0 or"),
        f"{UNIT}/dispatch/test_crew.py",
    )  # fmt: skip
    alive = "EXISTS (SELECT FROM instance i WHERE i.id = $5 AND i.lease_until > now())"
    yield _one(
        "permit-lease", "no permit without a lease", ("store/sql/dispatch.sql", alive, "true"),
        f"{INTEGRATION}/dispatch/test_claims.py",
    )  # fmt: skip
    judged = "            WHEN j.expires_at <= now() THEN 'expired'\n"
    paused = "            WHEN h.due_at > now() THEN 'paused'\n"
    closed = "            WHEN NOT j.windows @> now() THEN 'closed'\n"
    yield _one(
        "permit-canceled", "what was canceled doesn't start",
        ("store/sql/dispatch.sql",
         f"            WHEN j.state = 'canceled' THEN 'canceled'\n{judged}{paused}",
         f"{judged}{paused}"),
        f"{INTEGRATION}/dispatch/test_claims.py",
    )  # fmt: skip
    yield _one(
        "permit-expired", "past its expiry nothing starts",
        ("store/sql/dispatch.sql", f"{judged}{paused}", paused),
        f"{INTEGRATION}/dispatch/test_claims.py",
    )  # fmt: skip
    yield _one(
        "permit-suppressed", "nothing starts to an address that was suppressed meanwhile",
        ("store/sql/dispatch.sql", f"{paused}{closed}            WHEN EXISTS (",
         f"{paused}{closed}            WHEN false AND EXISTS ("),
        f"{INTEGRATION}/dispatch/test_claims.py",
    )  # fmt: skip
    yield _one(
        "permit-closed", "nothing starts outside of its window",
        ("store/sql/dispatch.sql", f"{paused}{closed}", paused),
        f"{INTEGRATION}/dispatch/test_windows.py",
    )  # fmt: skip
    yield _one(
        "lock-order", "whoever locks several jobs does so in the same order",
        ("store/sql/settle.sql",
         "FROM job WHERE id = ANY ($1::uuid[]) ORDER BY id",
         "FROM job WHERE id = ANY ($1::uuid[]) ORDER BY id DESC"),
        f"{INTEGRATION}/dispatch/test_beside_commands.py",
    )  # fmt: skip
    yield _one(
        "frozen", "who froze within a statement doesn't keep his locks",
        ("engine.py", '        "upkeep.frozen": upkeep.frozen(store),\n', ""),
        f"{STORIES}/test_frozen.py::test_within_a_statement",
    )  # fmt: skip
    yield _one(
        "limits", "connections of all instances together never pass the limit",
        ("store/sql/lanes.sql", "r.max_connections - o.held AS free", "r.max_connections AS free"),
        f"{INTEGRATION}/dispatch/test_lanes.py",
    )  # fmt: skip


def _of_attempts() -> Iterator[Safeguard]:
    yield _one(
        "lease-at-the-dot", "no final dot after the lease",
        ("dispatch/witness.py", "        return self._lease.is_alive\n", "        return True\n"),
        f"{UNIT}/dispatch/test_lease.py",
    )  # fmt: skip
    yield _one(
        "dot-noted", "a final dot is noted before it leaves",
        ("dispatch/witness.py", "or not self._journal.dot(attempt):", "or not attempt:"),
        f"{STORIES}/test_crashpoints.py::test_alone[C15]",
    )  # fmt: skip
    yield _one(
        "reply-noted", "a reply is noted as soon as it is parsed",
        ("dispatch/witness.py", "        self._journal.reply(attempt, reply, self._relay)\n", ""),
        f"{STORIES}/test_crashpoints.py::test_alone[C17]",
    )  # fmt: skip
    yield _one(
        "whole-journal", "silence of a journal from before a reboot means nothing",
        ("dispatch/legacy.py", " and head[_BOOT] == journal.boot()", ""),
        f"{UNIT}/dispatch/test_journal.py",
    )  # fmt: skip
    yield _one(
        "own-job", "a journal decides only about the job that it names",
        ("store/sql/dispatch.sql", " AND b.job_id = t.job_id", ""),
        f"{INTEGRATION}/dispatch/test_rescue.py",
    )  # fmt: skip
    yield _one(
        "uncancelled", "nothing cancels an attempt between its final dot and the reply",
        ("delivery/session.py", "                stop = cancelled\n", "                raise\n"),
        f"{UNIT}/delivery/test_patience.py",
    )  # fmt: skip
    yield _one(
        "doubt", "lost after the dot is a doubt, and not a try to be made again",
        ("delivery/dialogue.py",
         "return InDoubt(reason=reason, relay=self._relay, tls=self._tls)", "pass"),
        f"{UNIT}/delivery",
    )  # fmt: skip
    yield _one(
        "early-replies", "a reply that nobody is owed ends the conversation",
        ("delivery/dialogue.py", "if not self._owed and self._parser.has_begun:", "if False:"),
        f"{UNIT}/delivery",
    )  # fmt: skip
    yield _one(
        "dot-stuffing", "a line with a dot is not the end",
        ("mail/content.py", 'data.replace(b"\\r\\n.", b"\\r\\n..")', "data"),
        f"{UNIT}/delivery/test_stuffing.py",
    )  # fmt: skip
    yield _one(
        "same-mail", "every try is the same mail, octet by octet",
        ("compose/identity.py", 'b"%d" % delivery_id, key', '__import__("os").urandom(8), key'),
        f"{UNIT}/compose/test_letter.py",
    )  # fmt: skip


def _of_events() -> Iterator[Safeguard]:
    yield _one(
        "confirms", "an event counts as told once the broker has confirmed it",
        ("ledger/teller.py", "if fate in _TAKEN)", "if True)"),
        f"{INTEGRATION}/ledger",
    )  # fmt: skip
    yield _one(
        "stream-epoch", "a stream that was taken refuses its old writer",
        ("store/sql/streams.sql",
         "WHERE number = $1 AND epoch = $2 AND NOT closed", "WHERE number = $1 AND $2 > 0"),
        f"{INTEGRATION}/ledger/test_streams.py",
    )  # fmt: skip
    yield _one(
        "one-voice", "an outage makes one line in ten seconds, whichever parts meet it",
        ("logs.py", "_outages.ask(error.cause)", "_outages.ask((line, str(error)))"),
        f"{UNIT}/test_outage.py",
    )  # fmt: skip
    yield _one(
        "adoption", "what the dead left untold is told by another",
        ("store/sql/streams.sql",
         "ELSE NOT EXISTS (SELECT FROM instance i WHERE i.id = s.teller AND i.lease_until > now())",
         "ELSE false"),
        f"{INTEGRATION}/ledger/test_streams.py",
    )  # fmt: skip


def _of_money() -> Iterator[Safeguard]:
    yield _one(
        "account-lock", "of requests at once those are covered that are",
        ("store/sql/credit.sql", "customer_id FOR NO KEY UPDATE;", "customer_id;"),
        f"{INTEGRATION}/intake/test_credit.py",
    )  # fmt: skip
    yield _one(
        "floor", "what isn't covered is refused, and its neighbours aren't",
        ("mail/money.py", "return self.residual - amount >= -self.overdraft", "return True"),
        f"{UNIT}/mail/test_money.py", f"{INTEGRATION}/intake/test_credit.py",
    )  # fmt: skip
    yield _one(
        "booked", "what was booked isn't booked again",
        ("store/sql/credit.sql", "SET booked_handed = b.handed", "SET booked_handed = 0"),
        f"{INTEGRATION}/dispatch/test_booking.py",
    )  # fmt: skip
    yield _one(
        "taken-back", "nothing stays of what isn't covered",
        ("store/sql/accept.sql", "b.id * 512 AND b.id * 512 + 511\n)\nDELETE FROM job",
         "0 AND 0\n)\nDELETE FROM job"),
        f"{INTEGRATION}/intake/test_credit.py",
    )  # fmt: skip
    yield _one(
        "low-once", "a fall below the threshold is told once",
        ("mail/money.py", "if is_low and not self.is_low:", "if is_low:"),
        f"{UNIT}/mail/test_money.py", f"{INTEGRATION}/intake/test_accounts.py",
    )  # fmt: skip
    yield _one(
        "plan-usage", "a period that runs on isn't begun anew",
        ("store/sql/plan.sql",
         "requests = CASE WHEN excluded.begins > known.begins THEN 0 ELSE known.requests END",
         "requests = 0"),
        f"{INTEGRATION}/intake/test_plans.py",
    )  # fmt: skip


def _of_rights() -> Iterator[Safeguard]:
    yield _one(
        "looks-only", "who may only look changes nothing of accepted mail",
        ("intake/roles.py",
         "return command not in _STEERING or any(map(who.may, _STEERING[command]))", "return True"),
        f"{UNIT}/intake/test_roles.py",
    )  # fmt: skip
    yield _one(
        "others-senders", "what is another tenant's isn't there",
        ("intake/supplying.py", "sender if sender and sender.customer == acting else None",
         "sender"),
        f"{INTEGRATION}/intake/test_senders.py", f"{INTEGRATION}/intake/test_tenants.py",
    )  # fmt: skip
    yield _one(
        "revoked", "a key that was taken back is nobody's",
        ("store/sql/keys.sql", "login = $3) AND revoked_at IS NULL", "login = $3)"),
        f"{INTEGRATION}/directory/test_keys.py",
    )  # fmt: skip
    yield _one(
        "networks", "a key counts from its networks only, and the queue is none",
        ("store/sql/keys.sql", "$4::inet <<= ANY (allowed_sources)", "$4::inet IS NULL"),
        f"{INTEGRATION}/directory/test_keys.py", f"{INTEGRATION}/intake/test_scopes.py",
    )  # fmt: skip
    yield _one(
        "password", "somebody has one password",
        ("directory/principals.py", "return found if is_his else None", "return found"),
        f"{INTEGRATION}/directory/test_passwords.py",
    )  # fmt: skip


SAFEGUARDS = (
    *_of_requests(), *_of_decisions(), *_of_attempts(), *_of_events(), *_of_money(), *_of_rights(),
)  # fmt: skip
