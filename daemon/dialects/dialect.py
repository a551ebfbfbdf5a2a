"""What a dialect is: four pure functions between a foreigner's JSON and our values.

Intake asks them in this order: `credentials`, so that nothing is said to a stranger before we know
who he is; then, with the customer's time zone at hand, `parse`; and at the end `render` and
`http_status` for whatever came of it. A dialect does no I/O and keeps nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Protocol

from daemon.mail.refusal import NotARequest, Refused
from daemon.mail.request.answers import Answer
from daemon.mail.request.decode import Decoded
from daemon.mail.request.rules import Setting

Fields = Mapping[str, Any]
"""A foreigner's request: its JSON object, or the fields of its form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request brings to prove who asks; looked up and then forgotten, never stored."""

    scheme: str
    """How it was brought; tokens are looked up by scheme, login and secret."""
    login: str = ""
    secret: str = field(repr=False)


class Parse(Protocol):
    """From a foreigner's request to ours; `zone` is the customer's, for times without offset."""

    def __call__(self, fields: Fields, *, zone: tzinfo, setting: Setting) -> Decoded | Refused:
        """The request, or all that is wrong with it, under the foreigner's names of fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One foreign format."""

    name: str
    """The `type` of its parcels."""
    credentials: Callable[[Fields], Credentials | Refused | NotARequest]
    """Who asks; `NotARequest` when the call is none that the dialect serves."""
    parse: Parse
    render: Callable[[Answer], bytes]
    """The answer in the foreigner's words."""
    http_status: Callable[[Answer], int]
    """The status that goes with it, over HTTP or as a header of the reply."""
    refuses_empty: bool = False
    """Whether a request that reaches nobody is an error (`audience.empty`) and stores nothing."""
