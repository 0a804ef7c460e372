"""What mails carry beside their words: made when they leave, of what is true then, by whoever declared the notice.

Nothing of it is ever a row: a notice waits with its ids alone.
"""

import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.database import reading
from notifications.channels.ports import Attachment, Message

Maker = Callable[[AsyncConnection, Sequence[Message]], Awaitable[Mapping[uuid.UUID, Attachment]]]
"""Returns the attachments of mails by their deliveries' ids, all in a statement or two; who has none gets none."""

_makers: dict[str, Maker] = {}


def install_attachments(makers: Mapping[str, Maker]) -> None:
    """Let mails of these notices (by key) carry what their makers make, in place of those there were."""
    _makers.clear()
    _makers.update(makers)


async def attached(messages: Sequence[Message]) -> dict[uuid.UUID, Message]:
    """Return those of the messages that carry something, with it, by delivery."""
    wanted: defaultdict[Maker, list[Message]] = defaultdict(list)
    for message in messages:
        if message.channel == "mail" and message.notice_key in _makers:
            wanted[_makers[message.notice_key]].append(message)
    if not wanted:
        return {}
    found: dict[uuid.UUID, Message] = {}
    async with reading() as connection:
        for make, mails in wanted.items():
            made = await make(connection, mails)
            for mail in mails:
                if mail.delivery_id in made:
                    found[mail.delivery_id] = replace(mail, attachment=made[mail.delivery_id])
    return found
