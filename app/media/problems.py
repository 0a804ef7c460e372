"""What can be wrong with an upload."""

from app.core.problems import Conflict, Forbidden, Gone, Malformed, PayloadTooLarge, UnsupportedMediaType


class UploadTooLarge(PayloadTooLarge):
    """More bytes than the limit, or than were declared."""

    code, title = "upload_too_large", "The upload is too large"


class TypeNotAccepted(UnsupportedMediaType):
    """The purpose does not take this type."""

    code, title = "upload_type_not_accepted", "This type is not accepted for this purpose"


class ContentMismatch(UnsupportedMediaType):
    """The bytes are not what their declared type says."""

    code, title = "upload_content_mismatch", "The content is not of the declared type"


class ChecksumMismatch(Malformed):
    """The bytes that arrived are not the ones that were declared."""

    code, title = "upload_checksum_mismatch", "The content does not have the declared SHA-256"


class UnreadableContent(Malformed):
    """The content is of its type by its first bytes only."""

    code, title = "upload_unreadable", "The content is damaged or cannot be read"


class DocumentLocked(Malformed):
    """The document cannot be read, and so not be freed of what it tells, without its password."""

    code, title = "upload_locked", "The document is protected by a password"


class WrongOffset(Conflict):
    """The piece does not follow the last one; ``offset`` says where to go on."""

    code, title = "upload_wrong_offset", "The piece does not follow the last one"

    def __init__(self, offset: int) -> None:
        super().__init__(headers={"Upload-Offset": str(offset)}, offset=offset)


class UploadRejected(Conflict):
    """The upload was refused when it was complete; start a new one."""

    code, title = "upload_rejected", "This upload was rejected"


class UploadUnfinished(Conflict):
    """Only what has arrived whole can be used."""

    code, title = "upload_unfinished", "The upload is not finished"


class UploadInUse(Conflict):
    """It belongs to something already."""

    code, title = "upload_in_use", "The upload is already in use"


class WrongPurpose(Conflict):
    """It was uploaded for something else."""

    code, title = "upload_wrong_purpose", "The upload was made for another purpose"


class TooManyUploads(Conflict):
    """Finish or cancel some of the unfinished uploads first."""

    code, title = "too_many_uploads", "Too many unfinished uploads"


class UploadQuotaExceeded(Conflict):
    """The uploads a person keeps would come to more than ``limit`` bytes; remove some that are no longer needed."""

    code, title = "upload_quota_exceeded", "No more room for uploads"


class LinkExpired(Forbidden):
    """The link was good once; ask for a new one."""

    code, title = "media_link_expired", "The link has expired"


class UploadLinkRevoked(Forbidden):
    """The sign-in in which the link was given has ended, or its owner is no longer active."""

    code, title = "upload_link_revoked", "The link was revoked"


class UploadLinkSpent(Gone):
    """Everything has arrived; what came of it is said to whoever is signed in."""

    code, title = "upload_link_spent", "The upload has ended"
