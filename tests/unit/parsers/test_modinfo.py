"""``modinfo -F FIELD``, and the one field whose value is parsed in its turn: ``sig_key``."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_tools.check.module import modinfo
from tracer_tools.check.signing import has_signed
from tracer_tools.errors import FormatError
from tracer_tools.system import Ran, System

BYTES_A_LINE = 20
"""How many bytes of a key kmod writes before it breaks the line."""


class Answering(System):
    """A machine on which every command ends with the same answer."""

    def __init__(self, answer: Ran | None, root: Path = Path("/nowhere")) -> None:
        super().__init__(root)
        self.answer = answer

    def run(self, *command: str) -> Ran | None:
        return self.answer


def key(serial: bytes) -> str:
    """Return a serial number as kmod writes it."""
    lines = [serial[at : at + BYTES_A_LINE] for at in range(0, len(serial), BYTES_A_LINE)]
    return ":\n\t\t".join(line.hex(":").upper() for line in lines)


values: st.SearchStrategy[str] = st.text(min_size=1).map(str.strip).filter(bool)
serials = st.binary(min_size=1, max_size=24)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates") / "mok.der"


def signed(certificate: Path, content: bytes, output: str) -> bool:
    """Return whether a certificate has signed the module whose sig_key modinfo gives so."""
    certificate.write_bytes(content)
    return has_signed(certificate.name, Answering(Ran(0, output), certificate.parent))


@given(values)
def test_a_value_is_read_as_it_was(value: str) -> None:
    assert modinfo(Answering(Ran(0, f"{value}\n")), "signer") == value


@given(st.text(), st.integers(1, 255))
def test_a_modinfo_that_fails_gives_no_value(output: str, status: int) -> None:
    assert modinfo(Answering(Ran(status, output)), "signer") == ""


def test_without_modinfo_nothing_is_known() -> None:
    assert modinfo(Answering(None), "signer") is None


@given(st.text())
def test_any_output_is_read_as_it_is_or_refused(output: str) -> None:
    try:
        value = modinfo(Answering(Ran(0, output)), "signer")
    except FormatError as error:
        refusal = error.message
    else:
        assert value == output.strip()
        assert not output or output.endswith("\n")
        return
    assert refusal.startswith("modinfo -F signer: line ")
    assert not output.endswith("\n")


@given(values)
def test_a_value_that_is_cut_off_is_refused(value: str) -> None:
    for length in range(1, len(value) + 1):
        if not value[:length].endswith("\n"):
            with pytest.raises(FormatError):
                modinfo(Answering(Ran(0, value[:length])), "signer")


@given(serials, st.binary(), st.binary())
def test_a_certificate_with_the_serial_number_is_the_keys(
    certificate: Path, serial: bytes, before: bytes, after: bytes
) -> None:
    assert signed(certificate, before + serial + after, f"{key(serial)}\n")


@given(serials, st.binary())
def test_a_certificate_without_the_serial_number_is_not_the_keys(
    certificate: Path, serial: bytes, content: bytes
) -> None:
    assert signed(certificate, content, f"{key(serial)}\n") == (serial in content)


@given(st.text() | st.text("0123456789ABCDEFabcdef: \n"), st.binary())
def test_any_key_is_looked_for_or_refused(certificate: Path, text: str, content: bytes) -> None:
    try:
        found = signed(certificate, content, f"{text}\n")
    except FormatError as error:
        refusal = error.message
    else:
        serial = bytes.fromhex(text.replace(":", ""))
        assert serial
        assert found == (serial in content)
        return
    assert refusal.startswith("modinfo -F sig_key: ")


@given(serials, st.data(), st.sampled_from("gxZ.-/\xb2\u0663\0"))
def test_a_key_with_anything_but_bytes_is_refused(
    certificate: Path, serial: bytes, data: st.DataObject, strange: str
) -> None:
    text = key(serial)
    at = data.draw(st.integers(0, len(text) - 1))
    with pytest.raises(FormatError):
        signed(certificate, b"", f"{text[:at]}{strange}{text[at + 1 :]}\n")


@pytest.mark.parametrize("output", ["", "\n", ":\n", "4:2\n", "42:2\n", "42:24:E9"])
def test_half_a_key_is_refused(certificate: Path, output: str) -> None:
    with pytest.raises(FormatError):
        signed(certificate, b"\x42\x24\xe9", output)
