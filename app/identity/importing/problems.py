"""Why a file cannot be imported at all."""

from app.core.problems import FieldError, Malformed


class FileRefused(Malformed):
    """The file as a whole cannot be read; nothing was imported."""

    code, title = "file_refused", "The file cannot be read"

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence, errors=[FieldError("/body", sentence, code)])
