"""The world of the access matrix, made once in a process: each test finds it as it was, wherever the last one ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.architecture.access_world import World, open_world
from tests.architecture.snapshot import Snapshot


class Keeping:
    """Makes the world when it is first wanted; after that its rows are put back, which is far cheaper."""

    def __init__(self, files: Path) -> None:
        """Keep what is uploaded in ``files``: that of the world has to outlive a test."""
        self.files = files
        self._kept: tuple[World, Snapshot] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[World]:
        """Put the world into an empty database. Within the block ``go_back`` goes back to it.

        The clock stands where every test's begins, and the settings say that uploads are kept in ``files``.
        """
        if self._kept is not None and not await self._kept[1].is_good():
            await self.close()
        if self._kept is None:
            world, taken = await open_world(), await Snapshot.connect("kept_world")
            await taken.take()
            self._kept = world, taken
        world, taken = self._kept
        await taken.restore()
        async with taken.held():
            yield world

    @property
    def pids(self) -> list[int]:
        """The database's process for it, if it has one by now."""
        return [] if self._kept is None else [self._kept[1].pid]

    async def close(self) -> None:
        """Forget the world."""
        if self._kept is not None:
            await self._kept[1].drop()
            self._kept = None
