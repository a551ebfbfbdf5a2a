"""The courier that writes `.eml` files, for dry runs: nothing leaves the machine.

A file appears whole or not at all, and is named after the delivery and the attempt, so that doing
the same attempt twice leaves one file. Above the message stand the two lines that a final delivery
adds (RFC 5321 4.4): the envelope would be lost otherwise.
"""

import asyncio
from pathlib import Path

from daemon.delivery import envelope
from daemon.delivery.courier import Reason, Source, Unwitnessed, Witness
from daemon.delivery.envelope import Capabilities, Commands
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred, InDoubt, Outcome, Sent
from daemon.mail.reply import Reply

_ALL_OFFERED = Capabilities(pipelining=True, eight_bit=True, smtputf8=True)


class FileCourier:
    """A folder that takes all mail."""

    def __init__(self, folder: Path, witness: Witness | None = None) -> None:
        self._folder = folder
        self._witness = witness or Unwitnessed()

    async def run(self, source: Source) -> None:
        """Writes what the source gives until it says None."""
        while (attempt := await source.take()) is not None:
            # without an await from here to settle: a stop can't fall between a file and its outcome
            source.settle(attempt, self._deliver(attempt))
            await asyncio.sleep(0)

    def abandon(self) -> None:
        """There is nothing to break off: a file is written at once."""

    def _deliver(self, attempt: Attempt) -> Outcome:
        """Small files, and only in dry runs: a thread for each would cost more than it spares."""
        relay = f"file:{self._folder}"
        fault = envelope.commands(attempt, _ALL_OFFERED, relay)
        if not isinstance(fault, Commands):
            return fault
        name = f"{attempt.delivery_id}-{attempt.number}.eml"
        part = self._folder / f".{name}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(_trace(attempt) + attempt.content.data)
        except OSError as error:
            reply = Reply(code=451, enhanced="4.3.0", text=error.strerror or "cannot write")
            return Deferred(reason=Reason.FILE, reply=reply, relay=relay)
        if not self._witness.dot(attempt):
            return Deferred(reason=Reason.FENCED, relay=relay, counts=False)
        try:
            part.replace(self._folder / name)
        except OSError:
            return InDoubt(reason=Reason.FILE, relay=relay)
        reply = Reply(code=250, enhanced="2.0.0", text=f"written to {name}")
        self._witness.reply(attempt, reply)
        return Sent(reply=reply, relay=relay)


def _trace(attempt: Attempt) -> bytes:
    sender, recipient = attempt.envelope.sender, attempt.envelope.recipient
    return f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
