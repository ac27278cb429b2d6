"""What a consensus reveals: a vendor's lanes, read off an ordinary run by a coordinator who asks only what the run needs.

No firm hands over its tables. But a vendor's answer is a plan and, with the question, its marginal cost there; where a product
goes to several sites in one week, marginal costs differ by the lanes alone:
    (marginal cost + price paid) / m3 per unit = congestion * U + (contract cost, or spot cost above the contract) + rest,
with U the lane's volume, and a rest that is the same for all sites. Differences between sites leave linear equations. The
contract is where marginal cost jumps, so that answers stop there at many prices: it is a volume that recurs in several weeks; so
does what handling leaves for a lane when the others are at their contracts, and of such volumes those are taken that fit best.
Levels of contract and spot costs are known up to one constant, which the rest takes.

Answers stop at other volumes too, where handling or arrivals are at their limit, and what fits is then another contract than the
true one, by 2 to 25 %. So a contract counts as determined only where marginal cost was seen to jump at it, between both levels; a
spot cost where the lanes whose contracts are shown give it by themselves; and nothing where answers do not fit.

Measured on the shipped pilot, of four vendors with three lanes each, by the largest relative errors; what is lost is what the
plan costs above the optimum, relative to the savings. Noise with three seeds and a gap of half of it; see `Options`:
    rounds seen     contracts    congestion    contract costs    spot costs, of 12 lanes, each to 1e-6
         2               2            4               4               2
         5               6            8               8               4
        10              12           12              12              12
    options                      exact values of a vendor    contracts, congestion off    costs off    lost
    as shipped                             38                      1e-11, 4e-5            7e-6         0.02 %
    values = checks                        14                      the same               the same     0.02 %
    values = checks, check = 15             6                      the same               the same     0.02 %
    noise = 0.01                        32 to 38                   1 %                    1e-7         0.3 to 0.4 %
    noise = 0.03                           26                      3 %                    3e-8         0.9 to 1.1 %
    noise = 0.1                            26                      10 %                   1e-7         3.6 to 4.3 %
On the marketplace noise of 1 % leaves 0.6 to 0.8 % of the savings unproven. Where the centres of steps were moved up at random,
by at most 1 % of the typical flow, contracts were still read to 1e-13, congestion to 1 % and costs to 0.2 %, and the bound was
0.9 % of the savings lower. Masks that cancel in sums of costs are not offered: transfers need single costs in the end, and lanes
are read off plans. This is one way to read; who also uses the exact costs of plans that are told at checks may read more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from veridical.contracts.joint_plan.planner import Plan
from veridical.data import InputError
from veridical.data.arrays import Array, Booleans, Integers
from veridical.data.joint_plan import Flow, JointPlanCase, Seller, Shared, Vendor
from veridical.data.lazy import pd
from veridical.solvers.consensus.claims import support_of
from veridical.solvers.consensus.messages import Log, Message, Question

__all__ = ["PARAMETERS", "lanes", "recovered"]

PARAMETERS = ("contract", "lane_congestion", "contract_cost", "spot_cost")
FLOWING = 2e-3  # of an answer's largest flow: below, its slope is only a bound on marginal cost
MANY = 5  # volumes have to recur, in two weeks or more
TRIED = 5  # volumes for each contract, those that recur most
BETTER = 0.5  # of the mean square that is left: what another contract has to come to
JUMPS = 2  # answers whose marginal cost at a volume is between both levels, for it to be a contract
EXACT = 1e-4  # of the largest marginal cost: what is further off does not fit
SAME = 1e-6  # relative: numbers that are computed differently and mean the same


def lanes(log: Log, shared: Shared, vendor: str, rounds: int | None = None) -> pd.DataFrame:
    """Return a vendor's lanes as the messages of a run tell them, without a look at his record.

    Parameters
    ----------
    log
        Of a run: what left the agents, and what they were asked.
    shared
        What is public: products, routes and their prices.
    vendor
        The party that is looked at.
    rounds
        How many rounds are seen; all where it is None.

    Returns
    -------
    By site: contract, m3 per week; lane_congestion, currency per m3 squared; contract_cost and spot_cost, currency per m3, up to
    one constant for all of them. NaN where the messages do not determine a number.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.data.joint_plan.pilot(vendors=2, sites=2, regions=2, products=2, weeks=4, seed=6)
    >>> with vd.solvers.consensus.Consensus() as planner:
    ...     plan = planner.plan(case, planner.baseline(case))
    >>> lanes(plan.log, case.shared, "Alder").contract.round(1).to_dict() == dict(case.party("Alder").contract)
    True
    """
    answers = _Answers.of(log, shared, vendor, rounds)
    frame = pd.DataFrame(np.nan, index=pd.Index(answers.sites, name="site"), columns=list(PARAMETERS))
    if not len(answers.plan):
        return frame
    tried = [answers.recurring(f) for f in range(len(frame))]
    contract = np.array([volumes[0] if volumes else math.nan for volumes in tried])
    best = answers.fitted(contract)
    while True:
        moves = [(f, volume) for f, volumes in enumerate(tried) for volume in (*volumes, math.nan)]
        others = [np.where(np.arange(len(frame)) == f, volume, contract) for f, volume in moves]
        fits = [answers.fitted(other) for other in others]
        k = min(range(len(fits)), key=lambda k: fits[k].left)
        if not fits[k].left < BETTER * best.left:
            break
        best, contract = fits[k], others[k]
    if best.left > answers.rough:
        return frame
    shown = answers.kinks(contract, best)
    for f in np.flatnonzero(~shown):  # another volume that recurs and fits as well may be one at which marginal cost does jump
        for volume in tried[f]:
            other = np.where(np.arange(len(frame)) == f, volume, contract)
            fit = answers.fitted(other)
            if fit.left * BETTER <= best.left and answers.kinks(other, fit)[f]:
                best, contract, shown[f] = fit, other, True
                break
    alone = answers.fitted(np.where(shown, contract, math.nan))  # were what is not shown wrong, spot costs could be with it
    jumps = [fit.levels[1] - fit.levels[0] for fit in (alone, best)]
    same = np.abs(jumps[0] - jumps[1]) <= EXACT * np.abs(jumps[1])
    frame["contract"], frame["lane_congestion"] = np.where(shown, contract, math.nan), best.congestion
    frame["contract_cost"], frame["spot_cost"] = best.levels[0], np.where(shown & same, best.levels[1], math.nan)
    return frame


def recovered(plan: Plan, case: JointPlanCase, vendor: str, rounds: Iterable[int] | None = None) -> pd.DataFrame:
    """Return how much of a vendor's lanes a run reveals, by the number of rounds that were seen.

    Parameters
    ----------
    plan
        Of a consensus, with its log.
    case
        With the vendor's true record.
    vendor
        A vendor or a seller.
    rounds
        Numbers of rounds; every fifth, and all, where it is None.

    Returns
    -------
    A row for each number of rounds and each of contract, lane_congestion, contract_cost and spot_cost: `determined`, for how many
    lanes the messages determine it, `of` how many, and `error`, the largest relative error of these (NaN where there are none).
    Levels of costs are compared up to the constant that is not known, the median difference.

    Raises
    ------
    InputError
        For a party whose lanes are others, and a plan without a log.

    Examples
    --------
    >>> import veridical as vd
    >>> case = vd.data.joint_plan.pilot(vendors=2, sites=2, regions=2, products=2, weeks=4, seed=3)
    >>> with vd.solvers.consensus.Consensus() as planner:
    ...     plan = planner.plan(case, planner.baseline(case))
    >>> bool(recovered(plan, case, "Alder", rounds=[15]).error.max() < 1e-6)
    True
    """
    record = case.party(vendor)
    if not isinstance(record, Vendor | Seller):
        raise InputError.of("vendor", vendor, "a vendor or a seller; others' marginal costs differ by more than lanes", case.name)
    if plan.log is None or plan.progress is None:
        raise InputError.of("plan", "<a plan without a log>", "a plan of consensus", case.name)
    last = len(plan.progress.rounds)
    chosen = sorted({*range(5, last, 5), last}) if rounds is None else list(rounds)
    rows = {}
    for number in chosen:
        told = lanes(plan.log, case.shared, vendor, number)
        truth = pd.DataFrame({name: [getattr(record, name)[site] for site in told.index] for name in PARAMETERS}, told.index)
        away = told - truth
        costs = ["contract_cost", "spot_cost"]
        away[costs] -= np.nanmedian(away[costs]) if away[costs].notna().to_numpy().any() else 0.0
        for name in PARAMETERS:
            error = (away[name] / truth[name]).abs().max()
            rows[number, name] = {"determined": int(told[name].notna().sum()), "of": len(told), "error": error}
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.set_index(pd.MultiIndex.from_tuples(rows, names=["rounds", "parameter"]))


@dataclass(frozen=True)
class _Fit:
    """By site: congestion, and levels below and above the contract, NaN where open; `left`: the mean square unexplained."""

    congestion: Array
    levels: Array
    left: float


@dataclass(frozen=True)
class _Answers:
    """A vendor's plans, a row each, with their `cost`: (marginal cost + price) / m3 per unit.

    Columns are flows, and `site` (a number), `week` and `volume` (m3 of the flow's lane in its week) are theirs.
    """

    flows: tuple[Flow, ...]
    sites: tuple[str, ...]
    plan: Array
    cost: Array
    site: Integers
    week: Integers
    volume: Array

    @classmethod
    def of(cls, log: Log, shared: Shared, vendor: str, rounds: int | None) -> _Answers:
        """Return what the first rounds tell."""
        flows = shared.of(vendor).flows
        sites = tuple(dict.fromkeys(flow.site for flow in flows))
        size = np.array([shared.products[flow.product] for flow in flows])
        price = {route[:4]: route.price for route in shared.routes}
        told = [_marginal(message) for message in log.of(vendor) if rounds is None or message.round <= rounds]
        plan, slope = (np.array([pair[k] for pair in told if pair is not None]).reshape(-1, len(flows)) for k in (0, 1))
        lane = _numbered([(flow.site, flow.week) for flow in flows])
        volume = ((plan * size) @ (lane[:, None] == np.arange(lane.max() + 1)))[:, lane]
        cost = (slope + [price[flow[:4]] for flow in flows]) / size
        site, week = _numbered([flow.site for flow in flows]), np.array([flow.week for flow in flows])
        return cls(flows, sites, plan, cost, site, week, volume)

    def recurring(self, f: int) -> list[float]:
        """Return the volumes of a lane that recur in several weeks, most often first."""
        first = np.flatnonzero(self.site == f)
        first = first[np.unique(self.week[first], return_index=True)[1]]
        weeks, values = np.broadcast_to(self.week[first], self.volume[:, first].shape).ravel(), self.volume[:, first].ravel()
        order = np.argsort(values, kind="stable")
        order = order[values[order] > SAME * values.max()]
        weeks, values = weeks[order], values[order]
        end = np.searchsorted(values, values * (1 + SAME), side="right")
        volumes: list[float] = []
        for k in np.argsort(np.arange(len(values)) - end, kind="stable"):
            if end[k] - k < MANY or len(volumes) == TRIED:
                break
            middle = float(np.median(values[k : end[k]]))
            if len(np.unique(weeks[k : end[k]])) > 1 and not np.isclose(middle, volumes, rtol=2 * SAME).any():
                volumes.append(middle)
        return volumes

    @property
    def rough(self) -> float:
        """The mean square unexplained from which on a fit is none: what vendors answer is exact."""
        return (EXACT * float(np.abs(self.cost).max())) ** 2

    def kinks(self, contract: Array, fit: _Fit) -> Booleans:
        """Return at which contracts marginal cost was seen to jump: answers that stop there have it between both levels.

        Answers stop elsewhere too, where handling or arrivals are at their limit; but there a lane's marginal cost is what it is
        before. What all lanes of a product have in common in a week is taken from those that are at no contract.
        """
        seen, of = self.plan > FLOWING * self.plan.max(axis=1, keepdims=True), contract[self.site]
        above = self.volume > of
        level = np.where(above, fit.levels[1][self.site], fit.levels[0][self.site])
        at = seen & (np.abs(self.volume - of) <= 4 * SAME * of)
        beyond = self.cost - fit.congestion[self.site] * self.volume  # rest and level
        group = _numbered([(flow.product, flow.week) for flow in self.flows])
        between = np.zeros(len(contract), dtype=np.int64)
        low, high = (
            np.where(np.isnan(levels), fill, levels) for levels, fill in zip(fit.levels, (-math.inf, math.inf), strict=True)
        )
        little = EXACT * float(np.abs(self.cost).max())
        known = np.isfinite(fit.levels[0]) | np.isfinite(fit.levels[1])
        for answer, flow in zip(*np.nonzero(at), strict=True):
            others = seen[answer] & ~at[answer] & (group == group[flow]) & ~np.isnan(level[answer] + beyond[answer])
            if others.any():
                f = self.site[flow]
                implied = beyond[answer, flow] - float((beyond[answer] - level[answer])[others].mean())
                between[f] += bool(known[f] and low[f] + little < implied < high[f] - little)
        shown: Booleans = between >= JUMPS
        return shown

    def fitted(self, contract: Array) -> _Fit:
        """Return what fits best by least squares, were these the contracts; a lane whose contract is NaN is left out.

        At a contract marginal cost tells nothing: it is anything between both sides of the jump.
        """
        sites, of = len(self.sites), contract[self.site]
        seen = self.plan > FLOWING * self.plan.max(axis=1, keepdims=True)
        answer, flow = np.nonzero(seen & (np.abs(self.volume - of) > 4 * SAME * of))
        rest = _numbered([(a, self.flows[k].product, self.flows[k].week) for a, k in zip(answer, flow, strict=True)])
        rows, site, volume = np.arange(len(flow)), self.site[flow], self.volume[answer, flow]
        unit = float(self.volume.max())
        table = np.zeros((len(flow), 3 * sites + 1))  # congestion, level below the contract, level above it; cost
        table[rows, site] = volume / unit
        table[rows, sites + site + sites * (volume > of[flow])] = 1.0
        table[:, -1] = self.cost[answer, flow]
        count = np.bincount(rest, minlength=1)
        for column in table.T:
            column -= (np.bincount(rest, column, minlength=1) / np.maximum(count, 1))[rest]
        singular, axes = np.linalg.svd(table[:, :-1].T @ table[:, :-1])[1:]
        rank = int((singular > SAME * max(float(singular[0]), SAME)).sum())
        values = np.linalg.lstsq(table[:, :-1], table[:, -1], rcond=None)[0]
        freedom = len(flow) - int((count > 0).sum()) - rank
        left = float(np.square(table[:, -1] - table[:, :-1] @ values).sum()) / freedom if freedom > 0 else math.inf
        nothing = (SAME * float(np.abs(self.cost).max())) ** 2
        open_ = np.round(axes[rank:].T, 5) + 0.0  # rows of zeros: known; equal rows: their difference is known
        groups = _numbered([tuple(row) for row in open_[sites:]])
        told = groups == np.bincount(groups).argmax()
        told &= told.sum() > 1
        levels = np.where(told, values[sites:] - values[sites:][told].mean() if told.any() else np.nan, np.nan)
        congestion = np.where(open_[:sites].any(axis=1), np.nan, values[:sites] / unit)
        return _Fit(congestion, levels.reshape(2, sites), max(left, nothing))


def _marginal(message: Message) -> tuple[Array, Array] | None:
    """Return the plan that a message is about and marginal costs there; None where it tells none."""
    answer = message.answer
    if answer.plan is not None:
        return answer.plan, support_of(Question(message.method, message.arguments), answer)[1]
    return None if answer.slope is None else (message.arguments[0], answer.slope)


def _numbered(keys: Sequence[object]) -> Integers:
    """Return equal numbers for equal keys, from 0 on."""
    places = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    return np.array([places[key] for key in keys], dtype=np.int64)
