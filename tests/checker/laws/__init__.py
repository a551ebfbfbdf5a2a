"""What must hold of every story.

A law is a function of a world. Its docstring is the promise, and it yields one text for each thing
that it has looked at, empty when that is as it should be.
"""

from collections.abc import Callable, Iterator

from tests.checker.laws import accounts, deliveries, events, limits, requests
from tests.checker.world import World

Law = Callable[[World], Iterator[str]]

ALL: tuple[tuple[str, Law], ...] = (
    ("I1", requests.one_fate),
    ("I1", requests.nothing_unread_is_lost),
    ("I1", requests.keys_are_kept),
    ("I1", requests.no_job_from_nowhere),
    ("I1", requests.answered),
    ("I1", requests.dead_letters_say_why),
    ("I2", deliveries.final),
    ("I2", deliveries.told_as_booked),
    ("I2", deliveries.deferred_has_a_retry),
    ("I2", accounts.recipients_are_reckoned),
    ("I2", accounts.addresses_are_those_asked_for),
    ("I2", accounts.sums),
    ("I2", accounts.letters),
    ("I2", accounts.completion),
    ("I2", accounts.cancellation),
    ("I2", accounts.status),
    ("I2", accounts.audit),
    ("I3", deliveries.copies),
    ("I4", deliveries.repeats_are_doubts),
    ("I5", events.one_content),
    ("I5", events.nothing_untold),
    ("I5", events.nothing_invented),
    ("I5", events.in_order),
    ("I5", events.well_formed),
    ("I6", deliveries.not_after_a_refusal),
    ("I7", limits.connections),
    ("I7", limits.rate),
    ("I7", limits.transactions),
    ("I8", limits.nothing_leaks),
    ("I9", deliveries.right_content),
    ("I11", deliveries.same_bytes),
    ("D2", deliveries.wire_recipient),
    ("D4", deliveries.never_early),
    ("D4", deliveries.never_expired),
    ("D8", deliveries.lawful),
    ("D8", deliveries.nothing_unknown),
)
"""Every law under the invariant it stands for; D: a promise of the design."""
