"""What can go wrong with a provider's workers, as problems a caller can act on."""

from app.core.problems import Conflict


class NotAWorker(Conflict):
    """The account does not go to homes for this organization."""

    code, title = "not_a_worker", "This person is not one of the organization's workers"


class WorkerExists(Conflict):
    """The person is one of the provider's workers already."""

    code, title = "worker_exists", "This person is one of the provider's workers already"


class WorkerUnavailable(Conflict):
    """The worker is given nothing new: they are suspended, or were put aside."""

    code, title = "worker_unavailable", "This worker is given nothing new at present"


class WorkerNotSuspended(Conflict):
    """There is no suspension to lift."""

    code, title = "worker_not_suspended", "This worker is not suspended"


class WorkerSuspendedAlready(Conflict):
    """The worker is suspended: the reason that is on record stays."""

    code, title = "worker_suspended", "This worker is suspended already"


class NothingToVerify(Conflict):
    """Neither a certificate's number nor a document is on record."""

    code, title = "nothing_to_verify", "There is no certificate of this skill on record"
