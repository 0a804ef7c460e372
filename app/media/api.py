"""What other packages may do with uploads: attach them to their own things, link to them, let them go."""

from app.media.held import Found, HeldFile, Trouble, look_at, next_file, parts
from app.media.links import signed_url
from app.media.models import NAMES_FILES
from app.media.rules import Purpose
from app.media.schemas import MediaPublic
from app.media.sealed import add_sealed, sealed_pieces
from app.media.service import attach, detach
from app.media.views import attached
from app.media.whole import KeptFile, attached_to, bytes_of, drop_unused, keep, kept_file, served

__all__ = [
    "NAMES_FILES",
    "Found",
    "HeldFile",
    "KeptFile",
    "MediaPublic",
    "Purpose",
    "Trouble",
    "add_sealed",
    "attach",
    "attached",
    "attached_to",
    "bytes_of",
    "detach",
    "drop_unused",
    "keep",
    "kept_file",
    "look_at",
    "next_file",
    "parts",
    "sealed_pieces",
    "served",
    "signed_url",
]
