"""invoke repo: which keys and which addresses it takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tracer_lab.errors import LabError
from tracer_lab.keyring import Keyring, throw_away_keyring
from tracer_lab.repository import checked_uri
from tracer_lab.signing_key import find_key, parse_keys, try_key

URI = "https://example.org/tracer/"


@pytest.fixture(scope="module")
def keyring() -> Iterator[Keyring]:
    """A keyring with one key of each sort."""
    with throw_away_keyring() as keyring:
        keyring.make_key("good@example.org")
        keyring.make_key("Anna <twice@example.org>")
        keyring.make_key("Bert <twice@example.org>")
        # Keys that were valid for a day, long ago.
        for owner in ("old@example.org", "Old <rotated@example.org>"):
            expired = ["--quick-generate-key", owner, "ed25519", "sign", "1d"]
            keyring.gpg("--faked-system-time=20200101T000000", *expired)
        keyring.make_key("rotated@example.org")
        keyring.make_key("weak@example.org", "rsa1024", "sign", "never")
        keyring.make_key("certifies@example.org", "ed25519", "cert", "never")
        keyring.make_key("public@example.org")
        primary = fingerprint(keyring, "public@example.org")
        keyring.gpg("--yes", "--delete-secret-keys", primary)
        yield keyring


def fingerprint(keyring: Keyring, address: str) -> str:
    lines = keyring.gpg("--with-colons", "--list-keys", address).splitlines()
    return next(line.split(":")[9] for line in lines if line.startswith("fpr:"))


@pytest.mark.parametrize("form", [slice(None), slice(-16, None), slice(-8, None)])
def test_a_key_is_found_by_its_fingerprint_and_by_its_ids(keyring: Keyring, form: slice) -> None:
    wanted = fingerprint(keyring, "good@example.org")
    assert find_key(wanted[form]).fingerprint == wanted


@pytest.mark.usefixtures("keyring")
def test_of_the_keys_of_an_address_the_only_one_that_can_sign_is_taken() -> None:
    assert find_key("rotated@example.org").owner == "rotated@example.org"


@pytest.mark.usefixtures("keyring")
@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("", "the key that signs is not named"),
        ("nobody@example.org", "has no secret key for 'nobody@example.org'"),
        ("--version", "has no secret key for '--version'"),
        ("twice@example.org", "names 2 keys: "),
        ("old@example.org", r"^key .* \(old@example.org\) expired on 2020-01-02: it cannot sign"),
        ("weak@example.org", "is too weak for apt"),
        ("certifies@example.org", "has no part that may sign"),
        ("public@example.org", "has only the public part"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(wanted: str, message: str) -> None:
    with pytest.raises(LabError, match=message) as caught:
        find_key(wanted)
    assert "gpg --list-secret-keys" in caught.value.hint
    assert "\n" not in caught.value.message


def test_both_keys_of_an_ambiguous_name_are_named(keyring: Keyring) -> None:
    with pytest.raises(LabError) as caught:
        find_key("twice@example.org")
    for owner in ("Anna <twice@example.org>", "Bert <twice@example.org>"):
        assert f"{fingerprint(keyring, owner)} ({owner})" in caught.value.message


@pytest.mark.usefixtures("keyring")
def test_a_key_that_gpg_signs_with_passes_its_trial() -> None:
    try_key(find_key("good@example.org"))


def test_a_key_whose_secret_part_has_gone_fails_its_trial(keyring: Keyring) -> None:
    keyring.make_key("gone@example.org")
    key = find_key("gone@example.org")
    listed = keyring.gpg("--with-colons", "--with-keygrip", "--list-keys", key.fingerprint)
    for file in (keyring.home / "private-keys-v1.d").iterdir():
        if file.stem in listed:
            file.unlink()
    with pytest.raises(LabError, match=f"^gpg does not sign with key {key.fingerprint}") as caught:
        try_key(key)
    assert "\n" not in caught.value.message


SUBKEYS = """\
sec:u:255:22:70D7988982B59048:1795410057:::u:::cSC:::{primary}::ed25519:::0:
fpr:::::::::E6940D53ED278B253FFF209070D7988982B59048:
uid:u::::1795410057::2E60::A \\x3a B <a@example.org>::::::::::0:
ssb:{validity}:255:22:A0D7988982B59048:1795410057::::::s:::{subkey}::ed25519::
fpr:::::::::A6940D53ED278B253FFF209070D7988982B59048:
"""


@pytest.mark.parametrize(
    ("primary", "subkey", "validity", "fault"),
    [
        ("#", "+", "u", ""),
        ("+", "+", "u", ""),
        ("#", "D2760001240103040006123456780000", "u", ""),  # on a smart card
        ("#", "#", "u", "has no secret part here that may sign"),
        ("+", "+", "e", "has no part that may sign and is neither expired nor revoked"),
    ],
)
def test_a_subkey_signs_where_the_primary_key_is_kept_elsewhere(
    primary: str, subkey: str, validity: str, fault: str
) -> None:
    listing = SUBKEYS.format(primary=primary, subkey=subkey, validity=validity)
    (key,) = parse_keys(listing)
    assert key.fault == fault
    assert key.owner == "A : B <a@example.org>"


def test_a_listing_of_another_form_is_an_error() -> None:
    with pytest.raises(LabError, match="unknown form"):
        parse_keys("sec:u:many:22\n")


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("https://example.org/tracer", URI),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("http://[::1]/tracer", "http://[::1]/tracer/"),
        ("file:///srv/tracer", "file:///srv/tracer/"),
    ],
)
def test_an_address_of_a_repository_is_taken(text: str, uri: str) -> None:
    assert checked_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org/tracer",
        "https:///tracer",
        "https://example.org:port/",
        "https://[::1/",
        "ftp://example.org/",
        "file:tracer",
        "file://srv/tracer",
        "https://example.org/a b",
        "https://example.org/\nTrusted: yes",
        "https://example.org/?x=1",
        "https://user:word@example.org/",
    ],
)
def test_another_address_is_refused(text: str) -> None:
    with pytest.raises(LabError) as caught:
        checked_uri(text)
    assert caught.value.hint
    assert "\n" not in caught.value.message
