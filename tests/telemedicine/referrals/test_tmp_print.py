from datetime import timedelta
import json
from telemedicine.referrals import jobs
from tests.telemedicine.referrals.conftest import Desk
async def test_print(desk: Desk) -> None:
    asked = await desk.refer(urgency="stat")
    await desk.later(timedelta(minutes=47))
    await jobs.climb()
    await desk.act(desk.clerk, asked, "acceptance", {"offers": [desk.time()]})
    shown = await desk.show(desk.clinician, asked)
    late = await desk.act(desk.doctor, asked, "refusal", {"reason": "x"}) 
    lost = await desk.act(desk.clerk, asked, "acceptance", {}, 409)
    open("/tmp/referral_doc.json","w").write(json.dumps([shown, lost], indent=1, ensure_ascii=False))
