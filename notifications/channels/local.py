"""The local twin: it puts what would leave into the outbox, where a page shows it; never in production."""

from collections.abc import AsyncIterator, Sequence

from app.core import clock
from app.core.database import unit_of_work
from notifications.channels.ports import Message, Outcome
from notifications.outbox.models import OutboxMessage
from notifications.outbox.repository import put


class LocalChannel:
    """Push, SMS, voice and mail as they would look on the phone."""

    async def send(self, messages: Sequence[Message]) -> AsyncIterator[Sequence[Outcome]]:
        """Store ``messages`` in one transaction and yield that all were sent."""
        async with unit_of_work() as session:
            await put(session, [_shown(message) for message in messages])
        yield [Outcome(message.delivery_id, "sent", provider_message_id="outbox") for message in messages]

    async def close(self) -> None:
        """Do nothing: the database is not ours."""


def _shown(message: Message) -> OutboxMessage:
    where = message.address or ", ".join(installation.platform for installation in message.installations)
    return OutboxMessage(
        id=clock.new_id(),
        community_id=message.community_id,
        account_id=message.account_id,
        delivery_id=message.delivery_id,
        recipient=f"{message.recipient_name} ({where})",
        channel=message.channel,
        notice_key=message.notice_key,
        urgency=message.urgency,
        language=message.language,
        title=message.title,
        body=message.body,
        data=dict(message.data),
        collapse_key=message.collapse_key,
        sent_at=clock.now(),
    )
