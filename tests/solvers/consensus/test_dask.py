"""Agents on a Dask cluster: workers that die, and addresses where no scheduler answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from support.consensus import consensus
from veridical.data import InputError, NotSolvedError
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.consensus import Consensus, Question
from veridical.solvers.consensus.carriers import AgentSpec, Dask


@pytest.fixture(scope="module")
def small() -> JointPlanCase:
    return pilot(vendors=2, sites=1, regions=1, products=2, weeks=2)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "protocol://nowhere:1"])
def test_a_scheduler_that_does_not_answer_is_named_within_seconds(small: JointPlanCase, address: str) -> None:
    with pytest.raises(InputError, match=f"options.scheduler: got '{address}'; allowed: the address of a Dask scheduler that"):
        consensus(workers="dask", scheduler=address, timeout=1).plan(small, np.zeros(len(small.shared.flows)))


@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("default")  # what the cluster's own threads leave open when it closes
def test_a_dead_worker_is_noticed_and_errors_stay_on_workers(small: JointPlanCase) -> None:
    from distributed import Client, LocalCluster

    class Unreadable:
        interface = "proximal"

        def __setstate__(self, state: object) -> None:
            raise ValueError("secret cost 42")

        def __getstate__(self) -> dict[str, int]:
            return {"a": 1}

    name = small.suppliers[0]
    question = Question("cost", (np.ones(len(small.shared.share(name))),))
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,  # type: ignore[no-untyped-call]
        Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        bad = Dask({name: AgentSpec(agent=Unreadable())}, timeout=60, client=client)
        with pytest.raises(NotSolvedError, match=f"^{name}: its agent ended in ValueError when asked for cost$"):
            bad.ask({name: question})
        workers = Dask({name: AgentSpec(small.part(name))}, timeout=60, client=client)
        assert workers.ask({name: question})[name][1].value
        cluster.scale(0)
        while name not in workers.dead:
            workers.ask({name: question})
        assert workers.dead == {name}
        with pytest.raises(NotSolvedError, match="the Dask cluster has no workers"), Consensus(_dask(), client=client) as planner:
            planner.baseline(small)


def _dask() -> dict[str, Any]:
    return {"solver": "consensus", "options": {"workers": "dask"}}
