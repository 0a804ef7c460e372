"""A worker that is killed when FCM has taken a push and nothing of it is stored yet: the repeat replaces the first."""

from pathlib import Path

import pytest

from tests.faults.people import settle_in
from tests.faults.processes import House, looking, until
from tests.faults.test_storm_killed import pushing_to
from tests.sinks import fcm
from tests.sinks.fcm import fcm_sink

LEASE_SECONDS = 2
_IS_STORING = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
               AND query LIKE 'UPDATE notifications_delivery%')"""
_IS_SENT = "SELECT EXISTS (SELECT FROM notifications_delivery WHERE state = 'sent')"

pytestmark = pytest.mark.filterwarnings("default::ResourceWarning")  # a killed peer's sockets end as they may


async def test_what_was_taken_and_not_stored_is_sent_again_in_its_own_place(home: House, tmp_path: Path) -> None:
    await settle_in(home.url, 1)
    async with fcm_sink() as sink, looking(home.url) as look:
        settings = {**pushing_to(sink, tmp_path), "HEARTHLINE_WORKER_LEASE_SECONDS": str(LEASE_SECONDS)}
        sink.behave = lambda _: fcm.LATE
        worker = await home.worker(**settings)
        await sink.wait_for(1)
        async with look.transaction():
            await look.execute("SELECT FROM notifications_delivery FOR UPDATE")
            sink.release()
            async with looking(home.url) as beside:
                await until(beside, _IS_STORING)
            await worker.kill()
        assert await look.fetchval("SELECT state FROM notifications_delivery") == "sending"

        sink.behave = lambda _: None
        heir = await home.worker(**settings)
        await until(look, _IS_SENT)
        await heir.stop()
        (delivery,) = await look.fetch("SELECT state, attempts, fence FROM notifications_delivery")
        assert dict(delivery) == {"state": "sent", "attempts": 2, "fence": 2}
        assert list(sink.screens.values()) == [2], "the repeat stands beside the first"
        assert await look.fetchval("SELECT count(*) FROM notifications_dedupe") == 1
