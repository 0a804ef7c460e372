"""What can go wrong with visits, as problems a caller can act on."""

from app.core.problems import Conflict, Forbidden


class CarePlanEnded(Conflict):
    """The care plan has ended; nothing of it can change any more."""

    code, title = "care_plan_ended", "The care plan has ended"


class AgencyDoesNotServe(Conflict):
    """The organization has no agreement under which it visits this resident."""

    code, title = "agency_does_not_serve", "This organization does not visit the resident"


class NotACarer(Conflict):
    """The person is no carer of the agency whose visit it is."""

    code, title = "not_a_carer", "This person is not a carer of the agency"


class VisitNotOpen(Conflict):
    """The visit's state does not allow this; ``state`` says which it is."""

    code, title = "visit_not_open", "The visit's state does not allow this"


class VisitFull(Conflict):
    """As many carers as the visit needs are assigned already."""

    code, title = "visit_full", "The visit has its carers"


class AlreadyAssigned(Conflict):
    """The carer makes this visit already."""

    code, title = "already_assigned", "The carer makes this visit already"


class NotYourVisit(Forbidden):
    """The visit is not the actor's to make."""

    code, title = "not_your_visit", "You do not make this visit"


class WrongTime(Conflict):
    """The visit cannot begin or end at that time; ``opens_at`` says from when it can begin."""

    code, title = "wrong_time", "The visit cannot begin or end at this time"


class PresenceNotProven(Conflict):
    """What was given does not prove that the carer is at the home; ``doubt`` says why."""

    code, title = "presence_not_proven", "This does not prove that you are there"


class NotThere(Conflict):
    """The carer has not arrived, or has left already."""

    code, title = "not_there", "You are not at this visit"


class TasksOpen(Conflict):
    """Tasks are neither done nor explained, or doses not recorded; ``task_ids`` and ``dose_ids`` say which."""

    code, title = "tasks_open", "Some tasks are neither done nor explained"


class TaskRecorded(Conflict):
    """A colleague said otherwise of the task; ``is_done``, ``ticked_at`` and ``ticked_by`` say what, when and who."""

    code, title = "task_recorded", "A colleague said otherwise of this task"


class UnknownTask(Conflict):
    """The visit has no such task."""

    code, title = "unknown_task", "The visit has no such task"


class TagRevoked(Conflict):
    """The tag is out of use already."""

    code, title = "tag_revoked", "The tag is out of use"


class ShiftExists(Conflict):
    """The carer has a shift at that time, of this agency or another."""

    code, title = "shift_exists", "There is a shift at this time"


class RoutePlanAccepted(Conflict):
    """The proposal was accepted already."""

    code, title = "route_plan_accepted", "The proposal was accepted already"


class RoutePlanStale(Conflict):
    """Visits changed since the proposal was made; ``visit_ids`` says which."""

    code, title = "route_plan_stale", "Visits changed since this was proposed"


class CarerUnsuitable(Conflict):
    """Rules speak against sending this carer; ``obstacles`` names each of them, and ``despite`` can set them aside."""

    code, title = "carer_unsuitable", "The carer should not be sent to this visit"
