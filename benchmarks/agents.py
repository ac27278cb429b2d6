"""A joint plan of separate firms, a process each, over TLS on this machine: the same as with all records in one hand?

python benchmarks/agents.py [WEEKS [VENDORS]]      9 and 4, the shipped pilot, unless given

The case is taken apart by `split`; `veridical agent` answers from every folder; the coordinator, this process, has its own folder
alone. Plan and transfers of `solve` under the Clarke pivot, and of the rolling pilot, are held against those of a consensus with
all records in this process. Seconds are of the whole run, with the firms' processes on the same cores.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from figures import figure

import veridical as vd
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.families.joint_plan import solve
from veridical.firms.splitting import split
from veridical.solvers.consensus import Consensus
from veridical.studies.pilot import PilotRun
from veridical.studies.pilot import run as roll

SAME = 1e-9


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def answering(firms: Path, names: tuple[str, ...], port: int) -> Iterator[None]:
    """Have an agent in a process of its own answer from every folder, until the coordinator has done."""
    command = [sys.executable, "-m", "veridical", "agent"]
    url = ["--coordinator", f"https://localhost:{port}"]
    agents = [subprocess.Popen([*command, str(firms / name), *url], stderr=subprocess.DEVNULL) for name in names]
    try:
        yield
        for agent in agents:
            agent.wait(60)
    finally:
        for agent in agents:
            agent.kill()


def away(told: Any, known: Any) -> float:
    """Return the largest difference, relative to the largest number."""
    told, known = np.asarray(list(told), dtype=float), np.asarray(list(known), dtype=float)
    return float(np.abs(told - known).max() / max(np.abs(known).max(), 1e-9))


def plans(case: JointPlanCase, public: JointPlanCase, firms: Path, port: int, settings: str) -> None:
    began = perf_counter()
    with Consensus() as planner:
        known = solve(case, planner=planner, misreports=0).contracts
    here = perf_counter() - began
    began = perf_counter()
    with answering(firms, case.names, port), Consensus(settings) as planner:
        told = solve(public, planner=planner, misreports=0).contracts
    apart = perf_counter() - began
    units = away(told.units, known.units)
    transfers = away(told.transfers.values(), (known.transfers[name] for name in told.transfers))
    print(f"solve, {len(case.shared.flows)} flows, {len(case.names)} firms: {apart:.1f} s, in process {here:.1f} s")
    figure("solve over TLS: plan differs from that in process by", units, "of the largest", at_most=SAME)
    figure("solve over TLS: transfers differ from those in process by", transfers, "of the largest", at_most=SAME)
    figure("solve over TLS against in process, whole run", apart / here)


def weeks(case: JointPlanCase, public: JointPlanCase, firms: Path, port: int, settings: str) -> None:
    began = perf_counter()
    known: PilotRun = roll(case, planner=Consensus)
    here = perf_counter() - began
    began = perf_counter()
    with answering(firms, case.names, port):
        told = roll(public, planner=lambda: Consensus(settings))
    apart = perf_counter() - began
    print(f"pilot, {len(case.shared.weeks)} weeks: {apart:.1f} s, in process {here:.1f} s")
    for column in ("cost", "transfer"):
        figure(
            f"pilot over TLS: {column}s of all weeks differ by",
            away(told.table[column], known.table[column]),
            "of the largest",
            at_most=SAME,
        )
    figure("pilot over TLS against in process, whole run", apart / here)


if __name__ == "__main__":
    sizes = [int(size) for size in sys.argv[1:]]
    whole = pilot(weeks=sizes[0], vendors=[*sizes, 4][1]) if sizes else vd.example("pilot")
    with tempfile.TemporaryDirectory() as folder:
        listening = free_port()
        made = split(whole, Path(folder) / "firms", port=listening)
        coordinator = made / "coordinator"
        asked = (whole, vd.load(coordinator), made, listening, str(coordinator / "consensus.toml"))
        plans(*asked)
        weeks(*asked)
