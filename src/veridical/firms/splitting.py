"""A case taken apart into folders: what is public for its coordinator, and for each party its own record, for itself alone."""

from __future__ import annotations

import ipaddress
import re
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli_w

from veridical.data.errors import InputError
from veridical.data.folders import write_new
from veridical.data.joint_plan import JointPlanCase, coordinated, told_to
from veridical.data.joint_plan.tables import texts
from veridical.firms.certificates import LOCAL, self_signed

__all__ = ["CERTIFICATE", "COORDINATOR", "KEY", "PORT", "SOLVER", "TOKEN", "TOKENS", "split"]

COORDINATOR, SOLVER, TOKENS = "coordinator", "consensus.toml", "tokens.toml"
CERTIFICATE, KEY, TOKEN = "certificate.pem", "key.pem", "token"
PORT = 8443
BITS = 256  # of a token
HOST = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.ASCII | re.IGNORECASE
)
FOLDER = re.compile(r'(?!\.)[^<>:"/\\|?*\x00-\x1f]{1,100}(?<![. ])')


def split(case: Any, out: str | Path, host: str = LOCAL[0], port: int = PORT) -> Path:
    """Write the folders of a joint plan of separate firms, and return the one that they are in.

    `coordinator` holds what is public, the settings of its solver, its certificate and key, and hashes of the tokens; a folder
    named after each party its own record and routes, its token, and the coordinator's certificate. Each is to be brought to
    its owner; whoever has a party's token answers for it. The description of the case is in none of them.

    Parameters
    ----------
    case : JointPlanCase
        With the records of all parties.
    out : str or Path
        A folder that is not there yet, or an empty one.
    host : str
        The name or address under which parties reach the coordinator; by default this machine's own, to try.
    port : int
        Where the coordinator listens.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        For another kind of case, a party whose record is not in it or whose name cannot be a folder's, whole trucks, a host or
        port that is none, and a folder that is not empty or cannot be written: nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> import veridical as vd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = split(vd.example("carriers"), f"{folder}/firms")
    ...     vd.load(made / "coordinator").at_home, vd.load(made / "Alder").at_home
    (('Flint', 'Glover', 'Alder', 'Birch', 'Cedar'), ('Flint', 'Glover'))
    """
    if not isinstance(case, JointPlanCase):
        raise InputError.of("CASE", f"<{type(case).__name__}>", "a case of kind joint_plan", getattr(case, "name", None))
    if case.shared.truckload:
        raise InputError.of("truckload", True, "false: whole trucks have no prices, and no consensus", case.name)
    _check_folders(case.names)
    address = _listening(host, port)
    pair = self_signed(LOCAL if host == LOCAL[0] else (host,))
    tokens = {name: secrets.token_urlsafe(BITS // 8) for name in case.names}
    contents: dict[str, str | bytes] = {}
    private = [f"{COORDINATOR}/{KEY}", f"{COORDINATOR}/{TOKENS}"]
    for name, token in tokens.items():
        files: dict[str, str | bytes] = {**texts(told_to(case, name)), TOKEN: f"{token}\n", CERTIFICATE: pair.certificate}
        contents |= {f"{name}/{file}": content for file, content in files.items()}
        private += [f"{name}/{file}" for file in files if file != CERTIFICATE]
    options = {"workers": "network", "listen": address, "certificate": CERTIFICATE, "key": KEY, "tokens": TOKENS}
    public: dict[str, str | bytes] = {
        **texts(coordinated(case)),
        SOLVER: tomli_w.dumps({"solver": "consensus", "options": options}),
        CERTIFICATE: pair.certificate,
        KEY: pair.key,
        TOKENS: tomli_w.dumps({name: sha256(token.encode()).hexdigest() for name, token in tokens.items()}),
    }
    return write_new(out, contents | {f"{COORDINATOR}/{file}": content for file, content in public.items()}, private, "--out")


def _check_folders(names: tuple[str, ...]) -> None:
    """Raise InputError for names of parties that cannot be those of folders beside the coordinator's, on any system."""
    taken = {COORDINATOR}
    for name in names:
        if FOLDER.fullmatch(name) is None or name.casefold() in taken:
            allowed = (
                f"a name that can be a folder's: without any of <>:\"/\\|?*, not {COORDINATOR}, nor another's in other letters"
            )
            raise InputError.of("parties", name, allowed)
        taken.add(name.casefold())


def _listening(host: str, port: int) -> str:
    """Return where a coordinator listens that is reached under `host`: on this machine alone where that is its own name."""
    if type(port) is not int or not 1 <= port <= 65535:
        raise InputError.of("--port", port, "a whole number from 1 to 65535")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not isinstance(host, str) or HOST.fullmatch(host) is None:
            raise InputError.of("--host", host, "a host's name or address, such as plans.example.org or 192.0.2.7") from None
        return f"{LOCAL[1]}:{port}" if host == LOCAL[0] else f"0.0.0.0:{port}"
    if address.is_loopback:
        return f"[{host}]:{port}" if address.version == 6 else f"{host}:{port}"
    return f"[::]:{port}" if address.version == 6 else f"0.0.0.0:{port}"
