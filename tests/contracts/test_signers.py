"""What every signer promises; checked with gpg's and rpm's own eyes."""

import os
import shutil
import signal
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from builder.signers import GpgSigner, KeyPolicy, NoSigner, SequoiaSigner, SigningFailed
from builder.signers.gpgprocess import open_home
from tests.builder.publish.packages import make_rpm
from tests.support import need

USERID = "home:anna OBS Project <home:anna@localhost>"


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    need.program("rpmbuild", "rpmkeys")
    return make_rpm(tmp_path_factory.mktemp("rpms"))


@pytest.fixture(params=["gpg", "gpg without rpmsign", "sequoia"])
def signer(request, tmp_path, monkeypatch):
    need.program("gpg")
    kind = request.param
    if kind == "gpg":
        need.program("rpmsign")
    if kind == "gpg without rpmsign":
        which = shutil.which
        monkeypatch.setattr(
            shutil, "which", lambda name: which(name) if name != "rpmsign" else None
        )
    return {"sequoia": SequoiaSigner}.get(kind, GpgSigner)(tmp_path / "keys")


class Verifier:
    """A user's gpg and rpm that know one public key."""

    def __init__(self, directory, key):
        self.directory = directory
        directory.mkdir()
        (directory / "key.asc").write_text(key.armored)
        with open_home(directory / "gnupg") as home:
            home.gpg("--import", str(directory / "key.asc"))
        self.db = ["--dbpath", str(directory / "db")]
        subprocess.run(["rpmkeys", *self.db, "--import", str(directory / "key.asc")], check=True)

    def detached(self, data, signature):
        (self.directory / "data").write_bytes(data)
        (self.directory / "sig").write_bytes(signature)
        with open_home(self.directory / "gnupg") as home:
            home.gpg("--verify", str(self.directory / "sig"), str(self.directory / "data"))

    def clear(self, text):
        with open_home(self.directory / "gnupg") as home:
            return home.gpg("--decrypt", stdin=text)

    def rpm(self, path):
        return subprocess.run(
            ["rpmkeys", *self.db, "--checksig", "--verbose", str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C"},
        )


def test_a_new_key_is_known_by_its_facts(signer):
    key = signer.create_key("home:anna", USERID)
    assert key.project == "home:anna"
    assert key.userid == USERID
    assert len(key.fingerprint) == 40
    assert key.fingerprint.endswith(key.keyid)
    assert (key.algorithm, key.bits) == ("ed25519", 256)
    assert abs(key.expires_at - key.created_at - 1825 * 86400) < 10
    assert key.armored.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert signer.public_key("home:anna") == key


def test_a_project_without_key_has_none_and_cannot_sign(signer, packages, tmp_path):
    assert signer.public_key("home:anna") is None
    for attempt in (
        lambda: signer.sign_detached("home:anna", b"data"),
        lambda: signer.sign_clear("home:anna", b"data\n"),
        lambda: signer.sign_rpms("home:anna", [(packages[0], tmp_path / "x.rpm")]),
        lambda: signer.extend_key("home:anna"),
    ):
        with pytest.raises(SigningFailed, match="no signing key"):
            attempt()


def test_detached_and_clear_signatures_verify_and_notice_changes(signer, tmp_path):
    verifier = Verifier(tmp_path / "user", signer.create_key("home:anna", USERID))
    data = b"- first line\nsecond\n"
    signature = signer.sign_detached("home:anna", data)
    assert signature.startswith(b"-----BEGIN PGP SIGNATURE-----")
    verifier.detached(data, signature)
    with pytest.raises(SigningFailed):
        verifier.detached(data + b"x", signature)
    signed = signer.sign_clear("home:anna", data)
    assert verifier.clear(signed) == data
    with pytest.raises(SigningFailed):
        verifier.clear(signed.replace(b"second", b"third"))


def test_rpm_accepts_signed_copies_and_the_originals_stay(signer, packages, tmp_path):
    verifier = Verifier(tmp_path / "user", signer.create_key("home:anna", USERID))
    before = [path.read_bytes() for path in packages]
    copies = [(path, tmp_path / path.name) for path in packages]
    signer.sign_rpms("home:anna", copies)
    assert [path.read_bytes() for path in packages] == before
    for source, target in copies:
        assert "Signature" not in verifier.rpm(source).stdout
        checked = verifier.rpm(target)
        assert checked.returncode == 0, checked.stdout
        assert "Signature, key ID" in checked.stdout
        assert "NOKEY" not in checked.stdout


def test_a_changed_signed_package_is_refused(signer, packages, tmp_path):
    verifier = Verifier(tmp_path / "user", signer.create_key("home:anna", USERID))
    target = tmp_path / "copy.rpm"
    signer.sign_rpms("home:anna", [(packages[0], target)])
    data = bytearray(target.read_bytes())
    at = data.index(b"Greeting called")
    data[at] ^= 1
    target.write_bytes(data)
    assert verifier.rpm(target).returncode != 0
    data[at] ^= 1
    data[-3] ^= 1
    target.write_bytes(data)
    assert verifier.rpm(target).returncode != 0


def test_signing_again_replaces_the_former_signature(signer, packages, tmp_path):
    signer.create_key("home:anna", USERID)
    key = signer.create_key("home:ben", "home:ben OBS Project <home:ben@localhost>")
    signer.sign_rpms("home:anna", [(packages[0], tmp_path / "one.rpm")])
    signer.sign_rpms("home:ben", [(tmp_path / "one.rpm", tmp_path / "two.rpm")])
    checked = Verifier(tmp_path / "user", key).rpm(tmp_path / "two.rpm")
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("Signature, key ID") == 1
    assert key.keyid[-8:] in checked.stdout.lower()


def test_signing_keeps_the_identity_that_osc_checks(signer, packages, tmp_path):
    """hdrmd5 is the MD5 over header and payload; osc compares it after every download."""
    signer.create_key("home:anna", USERID)
    signer.sign_rpms("home:anna", [(packages[0], tmp_path / "copy.rpm")])
    query = ["rpm", "-qp", "--nosignature", "--qf", "%{SIGMD5} %{SHA256HEADER} %{NAME}"]
    facts = [
        subprocess.run([*query, path], check=True, capture_output=True).stdout
        for path in (packages[0], tmp_path / "copy.rpm")
    ]
    assert facts[0] == facts[1]


@pytest.mark.parametrize("kind", [GpgSigner, SequoiaSigner])
def test_rsa_for_old_distributions(kind, packages, tmp_path):
    need.program("gpg")
    signer = kind(tmp_path / "keys", KeyPolicy(algorithm="rsa3072", valid_days=0))
    key = signer.create_key("home:anna", USERID)
    assert (key.algorithm, key.bits, key.expires_at) == ("rsa3072", 3072, None)
    verifier = Verifier(tmp_path / "user", key)
    verifier.detached(b"x", signer.sign_detached("home:anna", b"x"))
    signer.sign_rpms("home:anna", [(packages[0], tmp_path / "copy.rpm")])
    assert verifier.rpm(tmp_path / "copy.rpm").returncode == 0


def test_a_malformed_package_is_refused_and_leaves_nothing(signer, packages, tmp_path):
    signer.create_key("home:anna", USERID)
    whole = packages[0].read_bytes()
    for cut in (0, 10, 96, 100, 120, 300, 2000):
        bad = tmp_path / "bad.rpm"
        bad.write_bytes(whole[:cut])
        with pytest.raises(SigningFailed):
            signer.sign_rpms("home:anna", [(bad, tmp_path / "copy.rpm")])
        assert not (tmp_path / "copy.rpm").exists()


def test_a_new_key_replaces_the_former_one(signer):
    first = signer.create_key("home:anna", USERID)
    second = signer.create_key("home:anna", USERID)
    assert second.fingerprint != first.fingerprint
    assert signer.public_key("home:anna") == second
    assert signer.create_key("home:anna", USERID, replace=False) == second


def test_an_extended_key_is_the_same_key_with_a_later_end(signer, tmp_path):
    first = signer.create_key("home:anna", USERID)
    later = type(signer)(tmp_path / "keys", KeyPolicy(valid_days=4000)).extend_key("home:anna")
    assert later.fingerprint == first.fingerprint
    assert later.expires_at > first.expires_at
    assert signer.public_key("home:anna") == later
    Verifier(tmp_path / "user", later).detached(b"x", signer.sign_detached("home:anna", b"x"))


def test_a_deleted_key_is_gone_from_the_disk(signer, tmp_path):
    key = signer.create_key("home:anna", USERID)
    signer.delete_key("home:anna")
    signer.delete_key("home:anna")
    assert signer.public_key("home:anna") is None
    assert not list((tmp_path / "keys").rglob(f"*{key.fingerprint}*"))


def test_names_of_projects_do_not_reach_the_file_system_or_gpg(signer):
    for name in ("-x", "home:ünï", "a b", "x" * 200, "50%:\\x3a"):
        key = signer.create_key(name, f"{name} OBS Project <x@localhost>")
        assert key.userid == f"{name} OBS Project <x@localhost>"
        assert signer.public_key(name) == key


def test_secrets_are_readable_by_the_owner_only(signer, tmp_path):
    signer.create_key("home:anna", USERID)
    for path in [tmp_path / "keys", *(tmp_path / "keys").rglob("*")]:
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or _behind_a_wall(path)


def test_many_at_once_sign_with_one_key(signer, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        keys = set(
            pool.map(
                lambda _: signer.create_key("home:anna", USERID, replace=False).fingerprint,
                range(4),
            )
        )
        assert len(keys) == 1
        verifier = Verifier(tmp_path / "user", signer.public_key("home:anna"))
        for signature in pool.map(lambda _: signer.sign_detached("home:anna", b"x"), range(4)):
            verifier.detached(b"x", signature)


def test_a_long_data_directory_is_no_obstacle(signer, tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    far = type(signer)(deep / "keys", KeyPolicy())
    far.create_key("home:anna", USERID)
    assert far.sign_detached("home:anna", b"x")


def agent_answers(home):
    """Whether an agent of that gpg home still listens; wherever its socket is."""
    ask = ["gpg-connect-agent", "--no-autostart", "--homedir", str(home), "GETINFO pid", "/bye"]
    answered = b"OK" in subprocess.run(ask, capture_output=True).stdout
    if not answered:
        subprocess.run(["gpgconf", "--homedir", str(home), "--remove-socketdir"], check=False)
    return answered


def test_no_agent_outlives_a_call(signer, tmp_path):
    signer.create_key("home:anna", USERID)
    signer.sign_detached("home:anna", b"x")
    for home in (tmp_path / "keys").glob("*/*/gnupg"):
        assert not agent_answers(home)
    assert not list((tmp_path / "keys").rglob("S.gpg-agent*"))


def test_no_socket_directory_stays_behind(tmp_path):
    """Where /run/user/UID exists gpg makes one there for every home it is given."""
    need.program("gpg")
    with open_home(tmp_path / "home") as home:
        sockets = Path(home.run(["gpgconf", "--list-dirs", "socketdir"]).decode().strip())
        assert sockets.is_dir()
    assert sockets == home.path or not sockets.exists()


def test_the_agent_of_a_killed_process_ends_by_itself(tmp_path):
    need.program("gpg")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with open_home(tmp_path / "home") as home:
                os.write(writer, str(home.path).encode())
                signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    home = Path(os.read(reader, 1000).decode())
    os.close(reader)
    try:
        assert agent_answers(home)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    deadline = time.monotonic() + 30
    while agent_answers(home):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    shutil.rmtree(home.parent)


def test_a_home_whose_agent_still_runs_can_be_opened(tmp_path):
    need.program("gpg")
    with open_home(tmp_path / "home"), open_home(tmp_path / "home") as again:
        assert again.gpg("--version")


def test_a_half_made_key_is_swept_by_the_next(signer, tmp_path):
    key = signer.create_key("home:anna", USERID)
    (parent,) = (p for p in (tmp_path / "keys").iterdir() if p.is_dir())
    (parent / ".new-dead" / "gnupg").mkdir(parents=True)
    assert signer.public_key("home:anna") == key
    signer.create_key("home:anna", USERID)
    assert not (parent / ".new-dead").exists()


def test_a_house_that_does_not_sign_says_so(tmp_path):
    signer = NoSigner()
    assert not signer.signs
    assert signer.public_key("home:anna") is None
    signer.delete_key("home:anna")
    with pytest.raises(SigningFailed, match="does not sign"):
        signer.create_key("home:anna", USERID)


def _behind_a_wall(path):
    """gpg gives some files of its home mode 644; the directories above are closed."""
    return any(stat.S_IMODE(parent.stat().st_mode) == 0o700 for parent in path.parents)
