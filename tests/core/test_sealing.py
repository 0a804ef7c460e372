"""Sealing: what is sealed opens only where it belongs and with our keys, through rotation."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from app.core import keys as key_ring
from app.core.sealing import SealBroken, blind_index, needs_reseal, reseal, seal, unseal
from app.core.settings import KeySettings, Settings, install_settings

CONTEXT = "identity_contact_point.value"
OLD, NEW = (SecretStr(base64.b64encode(bytes([number]) * 32).decode()) for number in (1, 2))


@pytest.fixture
def with_keys(test_settings: Settings) -> Iterator[None]:
    yield
    install_settings(test_settings)


def _use(test_settings: Settings, **keys: object) -> None:
    install_settings(test_settings.model_copy(update={"keys": KeySettings.model_validate(keys)}))


@given(st.text())
def test_what_was_sealed_opens(text: str) -> None:
    assert unseal(seal(text, CONTEXT), CONTEXT) == text


def test_equal_texts_look_different_sealed() -> None:
    assert seal("+8613800000001", CONTEXT) != seal("+8613800000001", CONTEXT)


def test_a_sealed_value_does_not_open_in_another_column() -> None:
    with pytest.raises(SealBroken):
        unseal(seal("+8613800000001", CONTEXT), "identity_resident.national_id")


@given(st.text())
def test_what_we_did_not_seal_does_not_open(text: str) -> None:
    with pytest.raises(SealBroken):
        unseal(text, CONTEXT)


@given(st.integers(0, 200), st.integers(1, 127))
def test_a_changed_value_does_not_open(place: int, change: int) -> None:
    sealed = seal("+8613800000001", CONTEXT)
    raw = bytearray(base64.b64decode(sealed.rpartition(".")[2]))
    raw[place % len(raw)] ^= change
    with pytest.raises(SealBroken):
        unseal(f"{sealed.rpartition('.')[0]}.{base64.b64encode(raw).decode()}", CONTEXT)


@pytest.mark.parametrize("end", ["", "!!!!", "AAAA", "a"])
def test_a_value_cut_short_does_not_open(end: str) -> None:
    with pytest.raises(SealBroken):
        unseal(f"v1.{key_ring.keys().active}.{end}", CONTEXT)


def test_a_new_key_reads_what_the_old_one_sealed(test_settings: Settings, with_keys: None) -> None:
    _use(test_settings, sealing={"old": OLD}, active="old")
    sealed = seal("insulin", CONTEXT)
    assert sealed.startswith("v1.old.")
    assert not needs_reseal(sealed)
    _use(test_settings, sealing={"old": OLD, "new": NEW}, active="new")
    assert unseal(sealed, CONTEXT) == "insulin"
    assert needs_reseal(sealed)
    renewed = reseal(sealed, CONTEXT)
    assert not needs_reseal(renewed)
    _use(test_settings, sealing={"new": NEW}, active="new")
    assert unseal(renewed, CONTEXT) == "insulin"
    with pytest.raises(SealBroken):
        unseal(sealed, CONTEXT)


def test_the_blind_index_depends_on_kind_value_and_key(test_settings: Settings, with_keys: None) -> None:
    _use(test_settings, blind_index=OLD)
    phone = blind_index("phone", "+8613800000001")
    assert len(phone) == 32
    assert phone == blind_index("phone", "+8613800000001")
    others = [blind_index("phone", "+8613800000002"), blind_index("mail", "+8613800000001")]
    _use(test_settings, blind_index=NEW)
    others.append(blind_index("phone", "+8613800000001"))
    assert phone not in others


@pytest.mark.parametrize("bad", ["", "c2hvcnQ=", "not base64 at all"])
def test_a_key_that_is_none_is_named(test_settings: Settings, with_keys: None, bad: str) -> None:
    _use(test_settings, sealing={"k": bad}, active="k")
    with pytest.raises(key_ring.BadKey, match="HEARTHLINE_KEYS_SEALING"):
        key_ring.keys()


def test_an_id_that_would_be_misread_is_refused(test_settings: Settings, with_keys: None) -> None:
    _use(test_settings, sealing={"2026.1": OLD}, active="2026.1")
    with pytest.raises(key_ring.BadKey, match="full stop"):
        key_ring.keys()


def test_an_active_key_that_does_not_exist_is_named(test_settings: Settings, with_keys: None) -> None:
    _use(test_settings, sealing={"k": OLD}, active="other")
    with pytest.raises(key_ring.BadKey, match="HEARTHLINE_KEYS_ACTIVE"):
        key_ring.keys()


def test_an_installation_without_keys_makes_its_own_once(tmp_path: Path, with_keys: None) -> None:
    install_settings(Settings(environment="development", directory=tmp_path))
    made = key_ring.keys()
    install_settings(Settings(environment="development", directory=tmp_path))
    assert key_ring.keys() == made
    file = tmp_path / "keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len({*json.loads(file.read_text()).values()}) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["keys.json"]


def test_production_does_not_start_without_keys() -> None:
    with pytest.raises(ValidationError, match=r"HEARTHLINE_KEYS_SEALING.*HEARTHLINE_KEYS_BLIND_INDEX"):
        Settings(environment="production")
