"""What other packages may do with uploads: attach them to their own things, link to them, let them go."""

from app.media.links import signed_url
from app.media.rules import Purpose
from app.media.schemas import MediaPublic
from app.media.service import attach, detach
from app.media.views import attached

__all__ = ["MediaPublic", "Purpose", "attach", "attached", "detach", "signed_url"]
