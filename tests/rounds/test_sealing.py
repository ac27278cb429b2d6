"""What the database tells whoever reads it, and what a receipt proves."""

import hmac
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from support.rounds import World
from veridical.data import CertificateError, InputError
from veridical.rounds.sealing import ClearingKey, commitment, hashed, salt_of, seal


def test_what_is_sealed_opens_for_the_key_and_the_context_alone() -> None:
    key, other = ClearingKey.new(), ClearingKey.new()
    sealed = seal(key.public, 7.25, "ab" * 32, "round", "panel", "1")
    assert key.unseal(sealed, "round", "panel", "1") == (7.25, "ab" * 32)
    for opener, context in ((other, ("round", "panel", "1")), (key, ("round", "battery", "1")), (key, ("round", "panel", "2"))):
        with pytest.raises(CertificateError, match="does not open"):
            opener.unseal(sealed, *context)


@pytest.mark.parametrize("place", [0, 40, 300])
def test_what_is_sealed_and_changed_does_not_open(place: int) -> None:
    key = ClearingKey.new()
    sealed = bytearray.fromhex(seal(key.public, 4.0, "00" * 32, "x"))
    sealed[place] ^= 1
    with pytest.raises(CertificateError, match="does not open"):
        key.unseal(sealed.hex(), "x")


def test_the_length_of_what_is_sealed_tells_nothing() -> None:
    key = ClearingKey.new()
    lengths = {len(seal(key.public, report, "00" * 32, "x")) for report in (0.0, 4.0, 1 / 3, 1e60, 1.2345678901234567e-300)}
    assert len(lengths) == 1


def test_equal_reports_look_different(suppliers: World) -> None:
    first, second = suppliers.report("panel", 3.0), suppliers.report("panel", 3.0)
    assert first.commitment != second.commitment
    assert first.salt != second.salt


def test_the_database_holds_no_token_no_report_and_no_salt(suppliers: World, tmp_path: Path) -> None:
    receipt = suppliers.report("panel", 3.0)
    suppliers.book.store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.glob("round.sqlite*"))
    assert hashed(suppliers.tokens["panel"]).encode() in content
    assert receipt.commitment.encode() in content
    for secret in (*suppliers.tokens.values(), receipt.salt, '"report":"', '"report":3'):
        assert secret.encode() not in content
    # Nor does trying all of his costs help: the commitment is not that of any of them under what does stand there.
    known = [receipt.round, receipt.participant, receipt.entry, hashed(suppliers.tokens["panel"]), "0" * 64]
    keys = [bytes(32), *(word.encode() for word in known), *(bytes.fromhex(word) for word in known if len(word) == 64)]
    for key in keys:
        for text in ("3.0", "9.0"):
            assert hmac.new(key, text.encode(), sha256).hexdigest() != receipt.commitment
            assert sha256(key + text.encode()).hexdigest() != receipt.commitment


def test_a_receipt_is_of_the_report_that_was_sent(suppliers: World) -> None:
    receipt = suppliers.report("panel", 3.0)
    by_hand = hmac.new(bytes.fromhex(receipt.salt), b"3.0", sha256).hexdigest()
    assert receipt.commitment == by_hand == commitment(3, receipt.salt)
    assert receipt.commitment != commitment(9, receipt.salt)


def test_salts_are_told_to_whoever_has_the_token_again(suppliers: World) -> None:
    receipt = suppliers.report("panel", 3.0)
    assert suppliers.book.receipts(suppliers.who("panel")) == [receipt]
    assert salt_of(suppliers.tokens["panel"], suppliers.id, "a") != salt_of(suppliers.tokens["battery"], suppliers.id, "a")


def test_tokens_are_of_256_bits_and_not_the_same() -> None:
    from veridical.rounds.sealing import new_token

    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}


def test_a_clearing_key_is_for_this_user_alone_and_is_not_overwritten(tmp_path: Path) -> None:
    key, path = ClearingKey.new(), tmp_path / "round.key"
    key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ClearingKey.load(path).public == key.public
    with pytest.raises(InputError, match="keys are not overwritten"):
        ClearingKey.new().save(path)
    assert ClearingKey.load(path).public == key.public


def test_a_file_that_is_no_key_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "round.key"
    for text in ("", "secret words", "00" * 31, "00" * 32 + "\n" + "11" * 32):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="the clearing key") as error:
            ClearingKey.load(path)
        assert "secret" not in str(error.value)


def test_the_database_is_for_this_user_alone(suppliers: World, tmp_path: Path) -> None:
    suppliers.report("panel", 3.0)
    files = list(tmp_path.glob("round.sqlite*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert len(files) >= 1


def test_sqlite_puts_what_is_acknowledged_on_the_disk(suppliers: World) -> None:
    with suppliers.store.reading() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
