"""The courier on lines that a test has laid, instead of connections."""

from collections.abc import Callable, Iterator

import pytest

from daemon.delivery import connect, wire
from daemon.delivery.connect import Connection
from daemon.delivery.courier import Reason, Witness
from daemon.delivery.dialogue import Dialogue
from daemon.delivery.envelope import Capabilities
from daemon.mail.outcome import Deferred
from tests.unit.delivery.scripted import Line

PIPELINING = Capabilities(pipelining=True, eight_bit=True, size=0)
Lay = Callable[[Callable[[int], Line | None]], list[Line]]


@pytest.fixture
def lay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Line]]]:
    """Has the nth connection of any courier be the line made for n (from 0), None: refused."""

    def lay(make: Callable[[int], Line | None], *, pipelining: bool = True) -> list[Line]:
        lines: list[Line] = []
        offered = Capabilities(pipelining=pipelining, eight_bit=True, size=0)

        async def opened(_relay: object, _context: object, witness: Witness) -> object:
            line = make(len(lines))
            if line is None:
                return Deferred(reason=Reason.CONNECT, relay="relay.test:25")
            lines.append(line)
            return Connection(wire=wire.adopt(Dialogue(witness), line), offered=offered)

        monkeypatch.setattr(connect, "connect", opened)
        return lines

    yield lay
