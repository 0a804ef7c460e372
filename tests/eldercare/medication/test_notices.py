"""What people are told of medication is complete in every language."""

from eldercare.medication import notices
from notifications.templates.completeness import complaints
from notifications.templates.notices import notices as declared


def test_every_notice_has_all_its_texts() -> None:
    ours = [notice for notice in declared().values() if notice.package == notices.__package__]
    assert len(ours) == 3
    assert [complaint for notice in ours for complaint in complaints(notice)] == []
