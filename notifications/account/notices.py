"""The notices identity causes: sign-in codes, invitations to a staff, and what others changed for somebody."""

from datetime import timedelta

from notifications.templates.categories import Category
from notifications.templates.notices import Channel, Notice
from notifications.templates.variables import Kind

# Somebody asked for it and waits; it is also how a person learns that somebody else tried to be them.
ACCOUNT = Category(
    key="account",
    names={"en": "Account", "zh-CN": "账户"},
    mutable=False,
    digestible=False,
    breaks_quiet_hours=True,
    cap=None,
)


def _sign_in_code(name: str, channel: Channel) -> Notice:
    return Notice(
        key=f"account.{name}",
        category="account",
        urgency="high",  # somebody is waiting, but alarms go first
        channels=(channel,),
        package="notifications.account",
        variables={"code": "text", "minutes": "integer"},
        useful_for=timedelta(minutes=10),
        is_awaited=True,  # sent twice it is the same code; not sent it locks somebody out
    )


SIGN_IN_CODE_BY_SMS = _sign_in_code("sign_in_code_sms", "sms")
SIGN_IN_CODE_BY_MAIL = _sign_in_code("sign_in_code_mail", "mail")


def _staff_invitation(name: str, channel: Channel) -> Notice:
    return Notice(
        key=f"account.{name}",
        category="account",
        urgency="normal",
        channels=(channel,),
        package="notifications.account",
        variables={
            "community": "community",
            "organization": "text",
            "role": "word",
            "code": "text",
            "until": "instant",
        },
        useful_for=timedelta(days=7),
    )


STAFF_INVITATION_BY_SMS = _staff_invitation("staff_invitation_sms", "sms")
STAFF_INVITATION_BY_MAIL = _staff_invitation("staff_invitation_mail", "mail")


def _changed_by_another(name: str, **variables: Kind) -> Notice:
    return Notice(
        key=f"account.{name}",
        category="account",
        urgency="high",  # whoever did not expect it has to act before somebody else does
        channels=("push", "inbox", "sms", "mail"),
        package="notifications.account",
        variables={"community": "community", **variables},
        useful_for=timedelta(days=3),
    )


VIEWED_BY_SUPPORT = Notice(
    key="account.viewed_by_support",
    category="account",
    urgency="normal",
    channels=("push", "inbox", "sms", "mail"),
    package="notifications.account",
    variables={"community": "community"},
    useful_for=timedelta(days=3),
)
CONTACT_POINT_CHANGED = _changed_by_another("contact_point_changed", change="word")
PHONE_PAIRED = _changed_by_another("phone_paired")
