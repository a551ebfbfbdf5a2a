"""Asks for one mail, and prints the answer and every event until the job is completed."""

import asyncio
import json
import os
import uuid

import aio_pika

KEY = str(uuid.uuid4())  # published again under the same key, it is not sent again
ANN = {"address": "ann@example.com", "vars": {"name": "Ann"}}
REQUEST = {
    "v": 1,
    "command": "send",
    "audience": [{"type": "recipients", "items": [ANN]}],
    "messages": [{"subject": "Hello {{ name }}", "text": "It works, {{ name }}."}],
}


async def main() -> None:
    """Publish, then listen."""
    async with await aio_pika.connect(os.environ["DELIVERYD_RABBITMQ__URL"]) as connection:
        channel = await connection.channel(on_return_raises=True)
        inbox = await channel.declare_queue(exclusive=True)
        await inbox.bind("deliveryd.events", "#")  # <family>.<event>.<customer>
        message = aio_pika.Message(
            json.dumps(REQUEST).encode(), message_id=KEY, delivery_mode=2, reply_to=inbox.name
        )
        exchange = await channel.get_exchange("deliveryd")
        await exchange.publish(message, "request.normal", mandatory=True, timeout=10)
        async with inbox.iterator(no_ack=True) as messages:
            async for told in messages:
                print(told.type or "answer", told.body.decode())
                if told.type == "job.completed":
                    break


asyncio.run(main())
