"""What the demo's people do about doctors: they book, move, call off, come or do not come, wait, and draw numbers."""

import random
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.demo import behaviour, clinic, rooms
from app.demo.client import Attempt, Later, Phones, Refused, SignIn
from app.demo.community import DOCTOR_ON_CALL, PHYSICIAN, POSTS, TIME_ZONE, Resident, Village
from app.demo.prescribing import PRESCRIBED, Prescriptions

_ZONE: Final = ZoneInfo(TIME_ZONE)
_LOOKED_AT: Final = time(7)
_BOOKS_FROM: Final = time(9)
_ONE_IN: Final = 50
"""So many residents to one booking of a day; a small place has one."""
_LINE_ON: Final = (1, 3)
_LINE_AT: Final = time(8, 30)
_CALLED_AFTER: Final = (timedelta(minutes=20), timedelta(minutes=31), timedelta(minutes=44))
_HEART_ON: Final = 0
_HEART_AT: Final = time(9, 5)
_PHONES: Final = {post.title: post.phone for post in POSTS}
_SEEN: Final = ("arrived", "fulfilled")
_REASONS: Final = ("I feel well again.", "My daughter cannot drive me that day.", "I have a visitor.")


class Patients:
    """Residents who see a doctor, and the practice that writes down what became of it."""

    def __init__(self, phones: Phones, village: Village, later: Later, attempt: Attempt, sign_in: SignIn) -> None:
        self._phones = phones
        residents = sorted(village.residents.values(), key=lambda resident: resident.neighbour.number)
        # The visitors' own resident books for themselves.
        self._residents = [one for one in residents if one.neighbour.number and one.neighbour.has_app]
        self._by_id = {str(one.id): one for one in self._residents}
        self._village = village
        self._keeper, self._of_clinic = clinic.keeper(village), clinic.path_of(village)
        self._doctors = dict(zip((PHYSICIAN, DOCTOR_ON_CALL), village.staff["clinician"], strict=True))
        self._later = later
        self._attempt = attempt
        self._sign_in = sign_in
        self._prescriptions = Prescriptions(phones, attempt)
        self._known: set[tuple[str, str]] = set()
        self._types: dict[str, str] = {}

    def begin_day(self, day: date) -> None:
        """Look forward to the practice's day, and to what people want of it."""
        if len(self._residents) < len(_CALLED_AFTER) + 1:
            return
        self._later(datetime.combine(day, _LOOKED_AT, _ZONE), self._look)
        for number in range(1 + len(self._residents) // _ONE_IN):
            dice = behaviour.chance("patient", number, day)
            at = datetime.combine(day, _BOOKS_FROM, _ZONE) + timedelta(minutes=dice.randrange(9 * 60))
            if at >= clock.now():
                self._later(at, partial(self._want, dice))
        line = datetime.combine(day, _LINE_AT, _ZONE)
        if day.weekday() in _LINE_ON and line >= clock.now():
            self._later(line, partial(self._line_up, day))
        heart = datetime.combine(day, _HEART_AT, _ZONE)
        if day.weekday() == _HEART_ON and heart >= clock.now():
            self._later(heart, partial(self._fill, day))

    async def _look(self) -> None:
        """Have the practice look at its day."""
        page = await self._phones.ask(self._keeper, "GET", f"{self._of_clinic}/appointments?limit=100")
        for appointment in page["items"]:
            self._expect(appointment)

    def _some(self, dice: random.Random, count: int) -> list[Resident]:
        return dice.sample(self._residents, count)

    async def _want(self, dice: random.Random) -> None:
        """Book a time; whoever lets the hold pass, moves or calls it off does so later."""
        (resident,) = self._some(dice, 1)
        kind = dice.choice(clinic.EVERYDAY)
        by = resident.circle[0].actor if dice.random() < 0.2 else resident.actor
        confirms, fate = dice.random() > 0.08, dice.random()
        booked = await self._book(by, resident, kind, dice, confirms=confirms)
        if booked is None:
            return
        path = f"/v1/appointments/{booked['id']}"
        if fate < 0.15:
            self._later(clock.now() + timedelta(hours=1, minutes=dice.randrange(60)), partial(self._move, by, booked))
        elif fate < 0.28:
            reason = {"reason": dice.choice(_REASONS)}
            at = clock.now() + timedelta(minutes=dice.randrange(20, 240))
            self._later(at, partial(self._do, by, f"{path}/cancellation", reason))

    async def _book(
        self, by: Actor, resident: Resident, kind: str, dice: random.Random, *, confirms: bool = True
    ) -> Any:
        """Return an appointment that was booked, ``None`` if it was not."""
        slots = await self._free(kind)
        if not slots:
            return None
        slot = dice.choice(slots)
        wanted = {
            "resident_id": str(resident.id),
            "visit_type_id": slot["visit_type"]["id"],
            "practitioner_id": slot["practitioner"]["id"],
            "starts_at": slot["starts_at"],
        }
        held = await self._attempt(by, "/v1/appointments", wanted)
        if held is None or not confirms:
            return None
        booked = await self._attempt(by, f"/v1/appointments/{held['id']}/confirmation", None)
        if booked is not None:
            self._expect(booked)
        return booked

    async def _free(self, kind: str) -> list[dict[str, Any]]:
        """Return times that are free for a kind of visit from an hour ahead on."""
        self._types = self._types or await clinic.visit_types(self._phones, self._village)
        earliest = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"/v1/slots?visit_type={self._types[kind]}&earliest={earliest}&limit=40"
        slots: list[dict[str, Any]] = (await self._phones.ask(self._residents[0].actor, "GET", path))["items"]
        return slots

    async def _move(self, by: Actor, booked: dict[str, Any]) -> None:
        kind = next(name for name, one in self._types.items() if one == booked["visit_type_id"])
        if slots := await self._free(kind):
            slot = behaviour.chance("move", booked["starts_at"], booked["practitioner"]).choice(slots)
            body = {"starts_at": slot["starts_at"], "practitioner_id": slot["practitioner"]["id"]}
            moved = await self._attempt(by, f"/v1/appointments/{booked['id']}/move", body)
            if moved is not None:
                self._expect(moved)

    def _expect(self, appointment: dict[str, Any]) -> None:
        """Mean to come, or not to: that is as it was drawn for the time, whoever is asked when."""
        starts_at, ends_at = (datetime.fromisoformat(appointment[name]) for name in ("starts_at", "ends_at"))
        own, resident = (appointment["id"], appointment["starts_at"]), self._by_id.get(appointment["resident_id"])
        if appointment["status"] != "booked" or own in self._known or starts_at <= clock.now() or resident is None:
            return
        self._known.add(own)
        dice = behaviour.chance("comes", resident.neighbour.number, starts_at)
        is_video = appointment["mode"] == "video"
        if dice.random() < 0.1:
            at = (ends_at if is_video else starts_at) + timedelta(minutes=15)
            self._later(at, partial(self._write_down, appointment, ("noshow",)))
        elif is_video:
            self._later(starts_at + timedelta(minutes=dice.choice((0, 1, 2))), partial(self._meet, appointment, dice))
        else:
            self._later(starts_at, partial(self._write_down, appointment, _SEEN[:1]))
            self._later(ends_at, partial(self._write_down, appointment, _SEEN[1:]))

    async def _stands(self, appointment: dict[str, Any]) -> dict[str, Any] | None:
        """Return the appointment if it still is at that time."""
        path = f"/v1/appointments/{appointment['id']}"
        now: dict[str, Any] = await self._phones.ask(self._keeper, "GET", path)
        is_on = now["status"] in ("booked", "arrived", "checked-in")
        return now if is_on and now["starts_at"] == appointment["starts_at"] else None

    async def _write_down(self, appointment: dict[str, Any], statuses: tuple[str, ...]) -> None:
        if await self._stands(appointment) is not None:
            for status in statuses:
                await self._do(self._keeper, f"/v1/appointments/{appointment['id']}/outcome", {"status": status})

    async def _meet(self, appointment: dict[str, Any], dice: random.Random) -> None:
        """See the doctor by video, and be written about."""
        now = await self._stands(appointment)
        if now is None or now["consultation_id"] is None:
            return
        resident, doctor = self._by_id[now["resident_id"]], self._doctors[now["practitioner"]]
        token = await self._sign_in(_PHONES[now["practitioner"]])
        if token is None:
            return
        try:
            room = await rooms.meet(self._phones, now["consultation_id"], resident.actor, token)
        except Refused:
            return
        if room is not None:
            at = clock.now() + timedelta(minutes=dice.randint(8, 14))
            self._later(at, partial(self._part, room, doctor, dice.choice(rooms.NOTES)))
            said = partial(self._prescriptions.prescribe, resident, doctor, dice.choice(PRESCRIBED))
            self._later(at + timedelta(minutes=3), said)

    async def _part(self, room: rooms.Room, doctor: Actor, note: dict[str, Any]) -> None:
        try:
            await rooms.part(self._phones, room, doctor)
        except Refused:
            return
        self._later(clock.now() + timedelta(minutes=4), partial(rooms.write, self._phones, room, doctor, note))

    async def _fill(self, day: date) -> None:
        """Book what there is of the heart specialist; one more waits, and one of the others calls off."""
        *lucky, waits = self._some(behaviour.chance("heart", day), len(_CALLED_AFTER) + 1)
        booked = []
        for resident in lucky:
            dice = behaviour.chance("heart", day, resident.neighbour.number)
            booked.append(await self._book(resident.actor, resident, clinic.HEART, dice))
        if not any(booked):
            return
        wish = {"visit_type_id": self._types[clinic.HEART]}
        await self._do(waits.actor, "/v1/waitlist-entries", wish)
        off, at = next(one for one in booked if one), clock.now() + timedelta(hours=2)
        by = self._by_id[off["resident_id"]].actor
        cancelled = f"/v1/appointments/{off['id']}/cancellation"
        self._later(at, partial(self._do, by, cancelled, {"reason": _REASONS[1]}))
        self._later(at + timedelta(minutes=12), partial(self._take_up, waits))

    async def _take_up(self, resident: Resident) -> None:
        """Take what is kept for somebody who waits."""
        for entry in (await self._phones.ask(resident.actor, "GET", "/v1/me/waitlist-entries"))["items"]:
            if entry["offer"] is not None:
                path = f"/v1/appointments/{entry['offer']['id']}/confirmation"
                booked = await self._attempt(resident.actor, path, None)
                if booked is not None:
                    self._expect(booked)

    async def _line_up(self, day: date) -> None:
        """Draw numbers, and be called one after the other; the last one has gone by then."""
        for resident in self._some(behaviour.chance("line", day), len(_CALLED_AFTER)):
            await self._do(resident.actor, f"{self._of_clinic}/queue-tickets", {})
        now = clock.now()
        for number, after in enumerate(_CALLED_AFTER, 1):
            self._later(now + after, partial(self._call, "skipped" if number == len(_CALLED_AFTER) else "done"))

    async def _call(self, outcome: str) -> None:
        ticket = await self._attempt(self._keeper, f"{self._of_clinic}/queue-calls", {})
        if ticket is not None:
            path = f"/v1/queue-tickets/{ticket['id']}/outcome"
            self._later(clock.now() + timedelta(minutes=9), partial(self._do, self._keeper, path, {"state": outcome}))

    async def _do(self, actor: Actor, path: str, body: dict[str, Any]) -> None:
        await self._attempt(actor, path, body)
