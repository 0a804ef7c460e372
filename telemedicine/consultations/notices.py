"""What people are told of video visits: that somebody waits, would rather telephone, or has written."""

from datetime import timedelta
from typing import Final

from notifications.api import Category, Notice

CONSULTATIONS: Final = Category(key="consultations", names={"en": "Video visits", "zh-CN": "视频就诊"})

RESIDENT_WAITING: Final = Notice(
    key="telemedicine.resident_waiting",
    category="consultations",
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.consultations",
    variables={"resident": "resident", "starts_at": "instant"},
    useful_for=timedelta(minutes=30),
)
PHONE_WISHED: Final = Notice(
    key="telemedicine.phone_wished",
    category="consultations",
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.consultations",
    variables={"resident": "resident", "starts_at": "instant"},
    useful_for=timedelta(hours=2),
)
INVITED: Final = Notice(
    key="telemedicine.joint_visit_invited",
    category="consultations",
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.consultations",
    variables={"clinician": "account", "starts_at": "instant"},
    useful_for=timedelta(days=7),
)
"""To the clinician of another clinic; whom it is about they learn where they may."""
JOINT: Final = Notice(
    key="telemedicine.joint_visit",
    category="consultations",
    urgency="high",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.consultations",
    variables={"clinician": "account", "invited": "account", "clinic": "text", "starts_at": "instant"},
    useful_for=timedelta(days=7),
)
"""To the resident: who else is asked to their visit, and that they can refuse."""
JOINT_OFF: Final = Notice(
    key="telemedicine.joint_visit_off",
    category="consultations",
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.consultations",
    variables={"invited": "account", "starts_at": "instant"},
    useful_for=timedelta(days=1),
)
INSTRUCTIONS: Final = Notice(
    key="telemedicine.instructions",
    category="consultations",
    urgency="normal",
    channels=("push", "inbox"),
    mode="first",
    package="telemedicine.consultations",
    variables={"clinician": "account", "instructions": "text"},
    useful_for=timedelta(days=7),
)
