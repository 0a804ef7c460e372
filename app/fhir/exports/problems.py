"""What can be wrong with an export."""

from app.core.problems import BadRequest, Conflict, Problem, TooManyRequests


class NotRespondAsync(BadRequest):
    """An export takes its time: whoever asks for it has to be ready for that."""

    code, title = "not_respond_async", "An export is made in the background: send Prefer: respond-async"


class TooManyExports(TooManyRequests):
    """The client has as many exports running as it can have."""

    code, title = "too_many_exports", "As many exports are running as one client can have"


class ExportFailed(Problem):
    """An export came to nothing; its files are gone."""

    code, status, title = "export_failed", 500, "The export failed"


class ExportRunning(Conflict):
    """The files of an export are there when it is finished."""

    code, title = "export_running", "The export is not finished"
