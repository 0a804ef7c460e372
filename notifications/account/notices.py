"""The notices identity causes: the one-time code somebody asked for to sign in."""

from datetime import timedelta

from notifications.templates.notices import Channel, Notice


def _sign_in_code(name: str, channel: Channel) -> Notice:
    return Notice(
        key=f"account.{name}",
        category="account",
        urgency="high",  # somebody is waiting, but alarms go first
        channels=(channel,),
        package="notifications.account",
        variables={"code": "text", "minutes": "integer"},
        useful_for=timedelta(minutes=10),
    )


SIGN_IN_CODE_BY_SMS = _sign_in_code("sign_in_code_sms", "sms")
SIGN_IN_CODE_BY_MAIL = _sign_in_code("sign_in_code_mail", "mail")
