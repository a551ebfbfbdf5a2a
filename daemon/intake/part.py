"""Intake as a part, one for each queue: groups of parcels in, acknowledgements out.

A parcel is acknowledged only after what it asks for has committed and its answer has left. What a
group can't do together is done one by one, so that a bad parcel fails alone: it is handed back to
its queue a few times, and then put to the dead letters, while its neighbours go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from daemon import crashpoints, logs, metrics
from daemon.broker.consumer import Consumer
from daemon.broker.parcel import Parcel
from daemon.intake import carry, content, events, post
from daemon.intake.ask import Ask, Back, Dead, Turned, Verdict
from daemon.intake.carry import Means
from daemon.intake.early import Early
from daemon.intake.post import Post
from daemon.intake.reading import Reader
from daemon.intake.unkeyed import Unkeyed
from daemon.mail.refusal import Code, NotARequest
from daemon.mail.request.answers import Accepted
from daemon.mail.request.send import Send
from daemon.store import errors, streams

TRIES = 3
"""Times that a parcel may fail by itself before it is a dead letter."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds between tries while the database is away."""
