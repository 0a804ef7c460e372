"""Files that Hearthline writes itself, piece by piece: each piece is sealed, and none can be read in another file."""

import uuid
from collections.abc import AsyncIterator
from typing import Final

from app.core.sealing import seal, unseal
from app.media.held import PART
from app.media.storage import storage

_CONTEXT: Final = "media_sealed_file"
_END: Final = b"\n"


async def add_sealed(key: uuid.UUID, size: int, piece: str) -> int:
    """Write ``piece`` behind the first ``size`` bytes of a file, durably, and return what size it has then.

    What an unfinished call has left there is written over. The caller alone knows how much of the file counts: its row
    is locked meanwhile, and says so once it is committed.
    """
    line = seal(piece, f"{_CONTEXT}.{key}").encode() + _END
    await storage().write(key, size, line)
    return size + len(line)


async def sealed_pieces(key: uuid.UUID, size: int) -> AsyncIterator[str]:
    """Yield the pieces within the first ``size`` bytes of a file; raises ``OSError`` where there are not so many."""
    rest = b""
    for offset in range(0, size, PART):
        wanted = min(PART, size - offset)
        part = await storage().part(key, offset, wanted)
        if len(part) < wanted:
            raise OSError("a file became shorter while it was read")
        *lines, rest = (rest + part).split(_END)
        for line in lines:
            yield unseal(line.decode(), f"{_CONTEXT}.{key}")
