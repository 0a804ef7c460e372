"""What other packages may do with uploads: attach them to their own things, link to them, let them go."""

from app.media.held import Found, HeldFile, Trouble, look_at, next_file, parts
from app.media.links import signed_url
from app.media.models import NAMES_FILES
from app.media.rules import Purpose
from app.media.schemas import MediaPublic
from app.media.sealed import add_sealed, sealed_pieces
from app.media.service import attach, detach
from app.media.views import attached

__all__ = [
    "NAMES_FILES",
    "Found",
    "HeldFile",
    "MediaPublic",
    "Purpose",
    "Trouble",
    "add_sealed",
    "attach",
    "attached",
    "detach",
    "look_at",
    "next_file",
    "parts",
    "sealed_pieces",
    "signed_url",
]
