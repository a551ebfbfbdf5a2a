"""In frames."""

import uuid

from tests.stories import asks
from tests.stories.house import House

FRAME = 400


async def test_frames_in_any_order(house: House) -> None:
    """A job comes in frames, in any order, before and after its send; closing ends it."""
    await house.start()
    name, send = uuid.uuid4().hex, house.producer
    frames = [asks.people(FRAME, words=f"f{number}-") for number in range(4)]

    def extend(number: int) -> dict:
        return asks.command("extend", request_id=name, frame=number, items=frames[number])

    early = await send.tell(extend(2), wants_answer=True)
    opened = await send.ask(asks.send([], request_id=name, open=True))
    assert opened.said["counts"]["requested"] is None
    await send.answered(early)
    assert (await send.ask(extend(1))).said["counts"]["queued"] == FRAME
    closed = await send.ask(asks.command("close", request_id=name, frames=3))
    assert closed.done["ok"]
    again = await send.ask(extend(1))
    assert again.done["ok"]
    last = await send.ask(extend(3))
    assert last.said["ok"]
    completed = await house.events.completed(opened.job)
    assert completed.data["counts"]["requested"] == 3 * FRAME
    assert completed.data["counts"]["sent"] == 3 * FRAME
    late = await send.ask(asks.command("extend", request_id=name, frame=4, items=frames[0]))
    assert not late.said["ok"]
    await house.judge()
