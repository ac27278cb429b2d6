"""A case taken apart: who finds what in which folder, and that nothing of anybody else is in it."""

import re
import socket
import ssl
import stat
import sys
import threading
from hashlib import sha256
from pathlib import Path

import pytest

import veridical as vd
from support.command_line import Run
from veridical.data import InputError, files
from veridical.data.joint_plan import CAPACITY, COST, NEED, STATE, JointPlanCase, pilot
from veridical.firms.splitting import split

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of files are those of POSIX")
FACTORS = {COST: 1.0173931, CAPACITY: 1.0291733, NEED: 1.0371917, STATE: 1.0412931}  # so that no two figures are the same


@pytest.fixture(scope="module")
def case() -> JointPlanCase:
    """Return a case in which every figure of a record has many digits, and is nobody else's."""
    drawn = pilot(vendors=3, sites=2, regions=2, products=3, weeks=2, seed=5)
    parties = []
    for k, party in enumerate(drawn.parties):
        for kind in {column.kind for column in party.columns().values()}:
            party = party.scaled(kind, FACTORS[kind] * 1.0137 ** (k + 1))
        parties.append(party)
    orders = drawn.shared.series([0.53127 + k for k in range(len(drawn.shared.flows))])
    return drawn.changed(parties=tuple(parties), baseline=orders)


@pytest.fixture(scope="module")
def firms(case: JointPlanCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return split(case, tmp_path_factory.mktemp("made") / "firms")


def words(folder: Path) -> set[str]:
    """Return all words and numbers in the files of a folder."""
    return {word for path in folder.rglob("*") if path.is_file() for word in re.split(r"[\s,=#\"\[\]]+", path.read_text("utf-8"))}


def figures(case: JointPlanCase, name: str) -> set[str]:
    """Return the numbers of a record as files have them, but for those that any case may have."""
    record, numbers = case.party(name), set()
    for field, column in record.columns().items():
        value = getattr(record, field)
        numbers |= {repr(number) for number in (value.values() if column.keys else [value]) if number}
    return numbers


def test_every_firm_has_its_own_folder(case: JointPlanCase, firms: Path) -> None:
    assert {path.name for path in firms.iterdir()} == {"coordinator", *case.names}
    for name in case.names:
        apart = vd.load(firms / name)
        assert apart.part(name) == case.part(name)
        assert figures(case, name) <= words(firms / name)
        assert (firms / name / "certificate.pem").read_bytes() == (firms / "coordinator" / "certificate.pem").read_bytes()


def test_the_coordinators_folder_has_what_is_public_and_no_record(case: JointPlanCase, firms: Path) -> None:
    public = vd.load(firms / "coordinator")
    assert public.at_home == case.names
    assert (public.shared, public.mechanism, public.baseline) == (case.shared, case.mechanism, case.baseline)
    found = words(firms / "coordinator")
    for name in case.names:
        assert len(figures(case, name)) >= 20
        assert figures(case, name) & found == set()
    text = "".join(path.read_text("utf-8") for path in (firms / "coordinator").iterdir())
    for party in case.parties:
        for field, column in party.columns().items():
            assert column.header not in text or not column.keys  # of numbers in case.toml the header is the unit alone
            assert field not in text.split()
            assert not (firms / "coordinator" / column.file).exists() or column.file == "case.toml"


def test_nothing_of_another_party_is_in_a_partys_folder(case: JointPlanCase, firms: Path) -> None:
    for name in case.names:
        folder, own = firms / name, case.part(name).shared
        found, text = words(folder), "".join(path.read_text("utf-8") for path in folder.iterdir())
        for other in set(case.names) - {name}:
            assert (figures(case, other) - figures(case, name)) & found == set()
            assert (firms / other / "token").read_text("utf-8").strip() not in text
            if not any(other in route[:2] for route in own.routes):
                assert other not in text
        elsewhere = {repr(route.price) for route in case.shared.routes} - {repr(route.price) for route in own.routes}
        assert elsewhere & found == set()
        orders = {repr(units) for units in case.baseline.values()} if case.baseline is not None else set()
        assert orders & found == set()
        assert "PRIVATE KEY" not in text


def test_descriptions_are_in_no_folder(case: JointPlanCase, firms: Path) -> None:
    assert "seed 5" in case.description
    assert not any("seed 5" in path.read_text("utf-8") for path in firms.rglob("*") if path.is_file())


def test_the_coordinator_has_hashes_of_tokens_alone(case: JointPlanCase, firms: Path) -> None:
    hashes = vd.data.files.read_toml(firms / "coordinator" / "tokens.toml", "tokens")
    tokens = {name: (firms / name / "token").read_text("utf-8").rstrip("\n") for name in case.names}
    assert hashes == {name: sha256(token.encode("ascii")).hexdigest() for name, token in tokens.items()}
    assert len(set(tokens.values())) == len(tokens)
    assert all(len(token) == 43 for token in tokens.values())  # 256 bits, six a letter
    assert not set(tokens.values()) & words(firms / "coordinator")


def test_the_coordinators_settings_name_its_files(firms: Path) -> None:
    settings = vd.data.files.read_toml(firms / "coordinator" / "consensus.toml", "settings")
    assert settings["solver"] == "consensus"
    assert settings["options"]["workers"] == "network"
    assert settings["options"]["listen"] == "127.0.0.1:8443"
    for key in ("certificate", "key", "tokens"):
        assert (firms / "coordinator" / settings["options"][key]).is_file()


@posix
def test_what_is_private_is_for_this_user_alone(case: JointPlanCase, firms: Path) -> None:
    private = [firms / "coordinator" / name for name in ("key.pem", "tokens.toml")]
    private += [path for name in case.names for path in (firms / name).iterdir() if path.name != "certificate.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (firms, *firms.iterdir())} == {0o700}


def test_two_splits_have_nothing_secret_in_common(case: JointPlanCase, firms: Path, tmp_path: Path) -> None:
    again = split(case, tmp_path / "again")
    for name in ("coordinator/key.pem", "coordinator/certificate.pem", *(f"{party}/token" for party in case.names)):
        assert (again / name).read_bytes() != (firms / name).read_bytes()


def handshake(folder: Path, known_by: Path, name: str) -> None:
    """Shake hands over TLS with a coordinator that has a folder's certificate and key, as somebody who checks everything."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=known_by)
    server.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    here, there = socket.socketpair()
    with here, there:

        def serve() -> None:
            try:
                server.wrap_socket(there, server_side=True).close()
            except (ssl.SSLError, OSError):
                there.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            client.wrap_socket(here, server_hostname=name).close()
        finally:
            here.close()
            thread.join(10)


def test_firms_know_their_coordinator_by_its_certificate(case: JointPlanCase, firms: Path, tmp_path: Path) -> None:
    for name in ("localhost", "127.0.0.1"):
        handshake(firms / "coordinator", firms / "Alder" / "certificate.pem", name)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"plans\.example\.org"):
        handshake(firms / "coordinator", firms / "Alder" / "certificate.pem", "plans.example.org")
    other = split(case, tmp_path / "other", host="plans.example.org", port=9443)
    handshake(other / "coordinator", other / "Alder" / "certificate.pem", "plans.example.org")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(other / "coordinator", firms / "Alder" / "certificate.pem", "plans.example.org")


@pytest.mark.parametrize(
    ("host", "listen"),
    [
        ("plans.example.org", "0.0.0.0:8443"),
        ("192.0.2.7", "0.0.0.0:8443"),
        ("127.0.0.1", "127.0.0.1:8443"),
        ("::1", "[::1]:8443"),
        ("2001:db8::7", "[::]:8443"),
    ],
)
def test_a_coordinator_listens_where_its_firms_look_for_it(case: JointPlanCase, tmp_path: Path, host: str, listen: str) -> None:
    folder = split(case, tmp_path / "firms", host=host) / "coordinator"
    assert vd.data.files.read_toml(folder / "consensus.toml", "settings")["options"]["listen"] == listen
    handshake(folder, folder / "certificate.pem", host)


# --- refusals ---


def test_a_folder_that_is_not_empty_is_left_alone(case: JointPlanCase, tmp_path: Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    empty.mkdir()
    (full / "notes.txt").write_text("mine", encoding="utf-8")
    for place in (full, full / "notes.txt"):
        with pytest.raises(InputError, match=r"--out: got '.*'; allowed: a folder that is not there yet, or an empty one"):
            split(case, place)
    assert [path.name for path in full.iterdir()] == ["notes.txt"]
    assert split(case, empty) == empty
    assert {path.name for path in tmp_path.iterdir()} == {"full", "empty"}


def test_nothing_is_left_where_a_split_ends_half_way(
    case: JointPlanCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = files.write

    def full_disk(contents: dict[Path, str], *, private: bool = False) -> None:
        written(contents, private=private)
        raise InputError.of("<file>", "case.toml", "a file that can be written (No space left on device)")

    monkeypatch.setattr(files, "write", full_disk)
    with pytest.raises(InputError, match="No space left"):
        split(case, tmp_path / "firms")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["coordinator", "Coordinator", "a/b", "..", "con:", ".hidden", "birch", "dot."])
def test_names_that_cannot_be_folders_are_refused(case: JointPlanCase, tmp_path: Path, name: str) -> None:
    vendor = case.party("Alder")
    routes = tuple(r._replace(supplier=name) if r.supplier == "Alder" else r for r in case.shared.routes)
    parties = tuple(vendor.changed(name=name) if party is vendor else party for party in case.parties)
    renamed = case.changed(routes=routes, parties=parties, baseline=None)
    with pytest.raises(InputError, match=r"parties: got '.*'; allowed: a name that can be a folder's"):
        split(renamed, tmp_path / "firms")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["", "two words", "https://plans.example.org", "a..b", "-a", "x" * 300, "a_b"])
def test_hosts_that_are_none_are_refused(case: JointPlanCase, tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match=r"--host: got .*; allowed: a host's name or address"):
        split(case, tmp_path / "firms", host=host)
    with pytest.raises(InputError, match=r"--port: got 70000; allowed: a whole number from 1 to 65535"):
        split(case, tmp_path / "firms", port=70_000)


def test_other_cases_are_refused(case: JointPlanCase, firms: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"CASE: got <AssemblerCase>; allowed: a case of kind joint_plan"):
        split(vd.example("two-suppliers"), tmp_path / "firms")
    with pytest.raises(InputError, match=r"truckload: got True; allowed: false"):
        split(case.changed(truckload=True), tmp_path / "firms")
    with pytest.raises(InputError, match=r"record: got 'home'; allowed: a record in the case"):
        split(vd.load(firms / "coordinator"), tmp_path / "firms")


# --- the command ---


def test_the_command_says_what_each_is_to_do(run: Run, case: JointPlanCase) -> None:
    case.save("case")
    changed = ("--set", "mechanism.pivot=baseline")
    status, out, err = run("split", "case", "--out", "firms", "--host", "plans.example.org", *changed)
    assert (status, err) == (0, "")
    assert "veridical solve firms/coordinator --solver firms/coordinator/consensus.toml" in out
    for name in case.names:
        assert f"veridical agent firms/{name} --coordinator https://plans.example.org:8443" in out
        assert Path("firms", name, "token").read_text("utf-8").strip() not in out
    assert vd.load("firms/coordinator").mechanism.pivot == "baseline"
    status, out, err = run("split", "case", "--out", "firms")
    assert (status, out) == (2, "")
    assert err == "veridical: --out: got 'firms'; allowed: a folder that is not there yet, or an empty one\n"
    status, _, err = run("split", "case", "--out", "other", "--set", "speed=3")
    assert status == 2
    assert err.startswith("veridical: --set speed: got 3; allowed: one of kind, ")
