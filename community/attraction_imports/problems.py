"""What can go wrong with a file, as a problem that points at each place."""

from app.core.problems import Problem


class ImportRefused(Problem):
    """Something in the file cannot be taken as it is; ``errors`` points at each, and nothing was changed."""

    code, status, title = "import_refused", 422, "Nothing was imported"
