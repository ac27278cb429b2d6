"""A party's folder, as it is kept at home, and the agent that answers from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from veridical.data import files
from veridical.data.errors import InputError
from veridical.data.joint_plan import JointPlanCase, Part, part_at_home
from veridical.data.load import load
from veridical.firms.splitting import CERTIFICATE, TOKEN
from veridical.solvers.consensus.home import HomeAgent

__all__ = ["WEEKS", "Home"]

WEEKS = "weeks.json"  # what the weeks of rolling runs have left, which an agent that is started again goes on from
PLAIN = re.compile(r"[A-Za-z0-9_-]{20,200}")


@dataclass(frozen=True)
class Home:
    """A party's folder: its part of the case, its token, and the certificate, if any, that it knows its coordinator by."""

    folder: Path
    part: Part
    token: str
    certificate: Path | None

    @classmethod
    def read(cls, folder: str | Path) -> Home:
        """Return what a folder holds that `split` wrote; raises InputError for what is not so."""
        place = Path(folder)
        if not place.is_dir():
            raise InputError.of("DIR", str(folder), "the folder of a party, as `veridical split` writes it")
        case = load(place)
        if not isinstance(case, JointPlanCase):
            raise InputError.of("DIR", f"<{type(case).__name__}>", "the folder of a party of a joint plan", str(folder))
        part = part_at_home(case)
        token = files.read(place / TOKEN, "token", "text").strip()
        if PLAIN.fullmatch(token) is None:  # never shown
            raise InputError.of("token", "<something else>", "the one line that `veridical split` wrote", str(place / TOKEN))
        certificate = place / CERTIFICATE
        return cls(place, part, token, certificate if certificate.exists() else None)

    @property
    def name(self) -> str:
        """Whose it is."""
        return self.part.record.name

    @property
    def about(self) -> str:
        """Whose it is, and with whom there are flows, in words."""
        routes = self.part.shared.routes
        others = dict.fromkeys(end for route in routes for end in (route.supplier, route.receiver) if end != self.name)
        return f"{self.name}, {self.part.record.role}: {len(self.part.shared.flows):,} flows with {', '.join(others)}"

    def agent(
        self,
        misreports: bool = False,
        service: bool = False,
        noise: float = 0.0,
        tell: Callable[[str], None] | None = None,
    ) -> HomeAgent:
        """Return the party's agent, which keeps what its weeks leave in the folder; see `HomeAgent`.

        Raises InputError for a `noise` that is no number from 0 to 0.5, and for one of a receiver, whose answer is carried out.
        """
        receives = self.part.record.side == "receiver"
        if not 0 <= noise <= (0.0 if receives else 0.5):
            allowed = "0 for a receiver, whose answer is the plan that is carried out" if receives else "a number from 0 to 0.5"
            raise InputError.of("noise", noise, allowed)
        kept = self.folder / WEEKS
        return HomeAgent(self.part, misreports=misreports, service=service, noise=noise, kept=kept, tell=tell)
