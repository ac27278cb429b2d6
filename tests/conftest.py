"""Fixtures: cases that many tests look at, and the command line."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

os.environ.pop("COLUMNS", None)  # pytest-xdist tells its workers the width of a terminal that they do not have
pytest.register_assert_rewrite("support")  # what judges assert is told in as much detail as what tests do

from support.allocation_cases import case, group
from support.assembler_cases import build
from support.command_line import PAIR, Json, Run, parsed
from support.continuous_cases import MANY
from support.joint_plan_cases import vendors_at
from support.processes import Forks
from support.reproductions import Reproductions
from support.strategies import draw_the_same_everywhere
from veridical.cli import main
from veridical.contracts.auction import Auction
from veridical.contracts.joint_plan.caching import CachingPlanner
from veridical.contracts.joint_plan.planner import Plan
from veridical.data import AssemblerCase
from veridical.data.joint_plan import JointPlanCase, pilot
from veridical.solvers.closed_form.auction import auction
from veridical.solvers.closed_form.continuous_rule import continuous
from veridical.solvers.consensus import Consensus
from veridical.solvers.planners import Central

if TYPE_CHECKING:  # what rounds need is loaded by their tests alone
    from support.rounds import World
    from veridical.rounds.store import Store

Array = NDArray[np.float64]

draw_the_same_everywhere()
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores Ctrl-C, and hands that on


@pytest.fixture(scope="session")
def irregular() -> AssemblerCase:
    """Return independent suppliers, three costs each, neither of whose own virtual costs is monotone: (18) fails."""
    # a: 2, 3 + 1 * .6 / .05 = 15, 7 + 4 * .65 / .35 = 14.4...; b: 1, 4 + 3 * .5 / .1 = 19, 5 + 1 * .6 / .4 = 6.5
    return build([[2, 3, 7], [1, 4, 5]], [[0.6, 0.05, 0.35], [0.5, 0.1, 0.4]], price=40.0)


@pytest.fixture(scope="session")
def regular() -> AssemblerCase:
    """Return two independent suppliers with monotone virtual cost, 7 to 24.8, below the price throughout."""
    return build([[4, 9], [3, 7]], [[0.55, 0.45], [0.4, 0.6]])


@pytest.fixture(scope="session")
def correlated() -> AssemblerCase:
    """Return two suppliers whose costs move together, so that unbalanced menus earn more than balanced ones."""
    return build([[4, 9], [3, 7]], joint=[[0.45, 0.05], [0.05, 0.45]])


@pytest.fixture(scope="session")
def discrete() -> AssemblerCase:
    """Return two correlated suppliers and demand at four points: every model of it is an LP."""
    demand = {"distribution": "empirical", "values": [120, 310, 560, 870], "weights": [0.15, 0.35, 0.3, 0.2]}
    return build([[4, 9, 11], [3, 7]], joint=[[0.31, 0.06], [0.11, 0.17], [0.08, 0.27]], demand=demand, price=37.0)


@pytest.fixture(scope="session")
def pooled(discrete: AssemblerCase) -> AssemblerCase:
    """Return the correlated pair with demand at four points: an LP whose virtual cost is not monotone."""
    return build([[4, 9], [3, 7]], joint=[[0.45, 0.05], [0.05, 0.45]], demand=discrete.demand.model_dump())


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return the command line, run in this process in an empty folder: exit status, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["veridical", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        assert isinstance(end.value.code, int)
        return end.value.code, *capsys.readouterr()

    return command


@pytest.fixture(scope="session")
def forked() -> Iterator[Forks]:
    """Return the command line in processes of their own that are forked from one which has loaded the program."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture
def case_file(run: Run) -> None:
    """Write `case.toml`, a case of two suppliers, where the command line runs."""
    Path("case.toml").write_text(PAIR, encoding="utf-8")


@pytest.fixture
def record(run: Run) -> Json:
    """Return what a command prints with `--json -`: it must succeed, and print nothing but JSON."""

    def command(*arguments: str) -> dict[str, Any]:
        return parsed(run(*arguments, "--json", "-"))

    return command


@pytest.fixture(scope="session")
def continuous_rules() -> dict[str, Any]:
    """Return the optimal rule of every case of continuous costs."""
    return {name: continuous(world) for name, world in MANY.items()}


@pytest.fixture(scope="session")
def paper_auction() -> Auction:
    """Return the auction of Table 5."""
    return auction(case(group(range(4, 9), count=2), capacity=2.63))


@pytest.fixture(scope="session")
def two_vendors() -> JointPlanCase:
    """Return the joint plan of a retailer and two vendors that is worked out on paper."""
    return vendors_at()


@pytest.fixture(scope="session")
def three_vendors() -> JointPlanCase:
    """Return the synthetic joint plan of a retailer and three vendors."""
    return pilot(vendors=3, sites=2, regions=2, products=3, weeks=4, seed=1).changed(activity_fee=0.0)


@pytest.fixture(scope="session")
def planner() -> CachingPlanner:
    """Return a planner that tests share: a plan is not made twice."""
    return CachingPlanner(Central())


@pytest.fixture(scope="session")
def network() -> JointPlanCase:
    """Return the synthetic joint plan on which consensus is tried."""
    return pilot(vendors=3, sites=2, regions=2, products=3, weeks=5, seed=1).changed(activity_fee=0.0)


@pytest.fixture(scope="session")
def baseline(network: JointPlanCase) -> Array:
    """Return its baseline."""
    return Central().baseline(network)


@pytest.fixture(scope="session")
def central_plan(network: JointPlanCase, baseline: Array) -> Plan:
    """Return the plan of a planner who knows everybody's costs."""
    return Central().plan(network, baseline)


@pytest.fixture(scope="session")
def agreed_plan(network: JointPlanCase, baseline: Array) -> Iterator[Plan]:
    """Return the plan that consensus comes to."""
    with Consensus() as planner:
        yield planner.plan(network, baseline)


@pytest.fixture(scope="session")
def reproductions(tmp_path_factory: pytest.TempPathFactory) -> Reproductions:
    """Return every reproduction that does not take minutes."""
    own = tmp_path_factory.getbasetemp()  # of this worker of pytest-xdist, beside those of the others
    return Reproductions(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Return the URL of a PostgreSQL server, for rounds of sealed reports."""
    from support.rounds import postgresql

    with postgresql() as url:
        yield url


@pytest.fixture
def lite(tmp_path: Path) -> "Iterator[Store]":
    """Return an empty SQLite database of rounds."""
    from veridical.rounds.store import Store

    with closing(Store.create(str(tmp_path / "round.sqlite"))) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> "Iterator[Store]":
    """Return an empty database of rounds of either kind."""
    from support.rounds import database
    from veridical.rounds.store import Store

    if request.param == "sqlite":
        yield request.getfixturevalue("lite")
        return
    with database(request.getfixturevalue("server")) as url, closing(Store.create(url)) as store:
        yield store


@pytest.fixture
def suppliers(lite: "Store") -> "World":
    """Return a round of two suppliers."""
    from support.rounds import World

    return World(lite)


@pytest.fixture
def retailers(lite: "Store") -> "World":
    """Return a round of two retailers."""
    from support.rounds import World

    return World(lite, "two-retailers")
