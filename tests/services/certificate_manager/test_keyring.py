import asyncio
from pathlib import Path

import pytest

from services.certificate_manager.keyring import Keyring, kind_of
from shared.config.model import Certificates
from shared.errors import ConfigError, RefusedError, UnavailableError
from shared.tls import keys
from shared.tls.hand_over import hand_over
from shared.tls.keys import Kind


def own(folder: Path, **settings: str) -> Keyring:
    certificates = Certificates(keys_dir=folder, names=("meter.local", "192.168.0.2"), **settings)  # type: ignore[arg-type]
    return Keyring(certificates, folder.parent)


def begun(folder: Path, **settings: str) -> Keyring:
    made = own(folder, **settings)
    asyncio.run(made.begin())
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "keys"
    begun(path, own_role="Operator")
    return path


def handed(folder: Path, content: bytes) -> str:
    name = f"import-{'0a' * 16}.key"
    (folder / name).write_bytes(content)
    return name


def test_made_once_and_found_again(folder: Path) -> None:
    again = begun(folder)
    rows = again.rows()
    assert [(row["kind"], row["key"], row["role"]) for row in rows] == [
        ("ec", "EC P-256", "Operator"), ("rsa", "RSA 2048", "Operator"),
    ]  # fmt: skip
    assert rows[0]["names"] == ["meter.local", "192.168.0.2"]
    assert rows[0]["not_after"] > "2046"
    assert begun(folder).version == again.version
    assert (folder / "ec.key").stat().st_mode & 0o777 == 0o600


def test_renewed_only_on_command_and_then_under_another_version(folder: Path) -> None:
    mine = begun(folder)
    before = [each.fingerprint for each in mine.certificates()]
    version = mine.version
    (pair,) = asyncio.run(mine.renew(Kind.EC))
    assert mine.version != version
    assert [each.fingerprint for each in mine.certificates()] == [pair.certificate.fingerprint, before[1]]
    assert begun(folder).version == mine.version


def test_an_imported_pair_replaces_ours_and_its_key_file_goes(folder: Path) -> None:
    mine = begun(folder)
    theirs = keys.generate(Kind.EC, ["pump.local"], 0.0)
    name = handed(folder, theirs.key_pem())
    asyncio.run(mine.take_over(name, theirs.export()))
    assert not (folder / name).exists()
    assert mine.rows()[0]["subject"] == "CN=pump.local"
    assert begun(folder).version == mine.version
    with pytest.raises(RefusedError, match="cannot be read"):
        asyncio.run(mine.take_over(name, theirs.export()))


def test_a_key_may_be_handed_over_in_the_run_folder_and_goes_from_there(folder: Path) -> None:
    mine = begun(folder)
    theirs = keys.generate(Kind.RSA, ["page.local"], 0.0)
    name = hand_over(theirs.key_pem(), folder.parent)
    assert (folder.parent / name).stat().st_mode & 0o777 == 0o600
    asyncio.run(mine.take_over(name, theirs.export()))
    assert not (folder.parent / name).exists()
    assert mine.rows()[1]["subject"] == "CN=page.local"
    hand_over(theirs.key_pem(), folder.parent)
    mine.forget_leftovers()
    assert not list(folder.parent.glob("import-*"))


@pytest.mark.parametrize(
    ("key_file", "reason"),
    [
        ("ec.key", "is no name of a key file handed over"),
        ("../import-" + "0a" * 16 + ".key", "is no name of a key file"),
        ("import-" + "0a" * 16 + ".key", "the private key is not the certificate's"),
    ],
)
def test_what_is_wrong_with_an_import_is_said_and_nothing_changes(folder: Path, key_file: str, reason: str) -> None:
    mine = begun(folder)
    version = mine.version
    handed(folder, keys.generate(Kind.EC, ["x"], 0.0).key_pem())
    with pytest.raises(RefusedError, match=reason):
        asyncio.run(mine.take_over(key_file, keys.generate(Kind.EC, ["y"], 0.0).export()))
    assert begun(folder).version == mine.version == version
    assert (folder / "ec.key").exists()


def test_leftover_keys_are_removed(folder: Path) -> None:
    name = handed(folder, b"a secret")
    (folder / "import-mine.key").write_bytes(b"not ours")
    own(folder).forget_leftovers()
    assert not (folder / name).exists()
    assert (folder / "import-mine.key").exists()


def test_a_folder_that_cannot_be_used_and_damaged_keys_are_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file", encoding="utf-8")
    with pytest.raises(UnavailableError, match=r"certificates\.keys_dir: .* cannot be used"):
        begun(tmp_path / "keys")
    with pytest.raises(ConfigError, match=r"certificates\.names"):
        asyncio.run(Keyring(Certificates(keys_dir=tmp_path / "other", names=("naïve name",)), tmp_path).begin())


def test_request_and_export(folder: Path) -> None:
    mine = begun(folder)
    assert mine.request(Kind.RSA).startswith(b"-----BEGIN CERTIFICATE REQUEST-----")
    assert mine.export(None) == mine.export(Kind.EC) + mine.export(Kind.RSA)
    assert b"PRIVATE" not in mine.export(None)


def test_kinds() -> None:
    assert (kind_of("ec"), kind_of(None), kind_of("")) == (Kind.EC, None, None)
    with pytest.raises(RefusedError, match="'dsa' is no kind of key; there are: ec rsa"):
        kind_of("dsa")
