"""Synthetic cases of any size, every number from a seed. Nothing here is anybody's data.

Demand comes in waves with noise; each product is made by two (or `makers`) suppliers, and by more where a supplier would have
none; production and handling capacities are 1.1 to 1.25 times, contracted lane volumes 1 to 1.15 times the mean need; the spot
market costs 1.5 times the contract. Who orders just in time passes the waves on to the suppliers' overtime and spot lanes: joint
plans of pilots of the default size save 7-10 % of the total cost (seeds 0 to 6), of marketplaces 8-11 %, of carriers 5-15 %.

With several suppliers Clarke's payments alone leave the receivers a loss (`SIGNED`), so a case has the activity fee with which
they and every supplier gained in all draws of seeds 1 to 6, fixed before anybody reports.

Flows are makers * products * sites * weeks, so with two makers and nine weeks 8 products at 4 sites are 576, 20 at 6 are
2,160, 60 at 12 are 12,960, 138 at 20 are 49,680.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from veridical.data.arrays import Array
from veridical.data.errors import InputError
from veridical.data.fields import whole_number
from veridical.data.joint_plan.case import JointPlanCase, Parameters
from veridical.data.joint_plan.roles import Carrier, Marketplace, Retailer, Seller, Shipper, Vendor
from veridical.data.joint_plan.shared import Route, Shared
from veridical.data.joint_plan.values import Values
from veridical.data.limits import WEEKS, fits

__all__ = ["carriers", "marketplace", "pilot"]

MAKERS = 2  # suppliers of a product
SPREAD = 0.95  # currency per m3, either way: suppliers of one product charge nearly the same, so the baseline buys from all
TRUCK = 8.0  # m3
VENDORS = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir")
SELLERS = ("Garnet", "Hazel", "Indigo", "Jade", "Karst", "Lapis")
CENTRES = ("Breda", "Graz", "Leipzig", "Lyon", "Poznan", "Turin")
REGIONS = ("north", "south", "west", "east")
PRODUCTS = ("soap", "shampoo", "towels", "tissues", "bleach", "sponges", "gloves", "candles")


# Activity fees, currency per m3, by the least number of suppliers. What is left to the receivers without and with it, as shares
# of what is saved without fees, seeds 1 to 6: pilots of 2 vendors in the mean -0.45, at least -0.80, and 0.22, 0.03; of 3 to 6
# vendors -0.21 to -0.32, at least -0.55, and 0.17 to 0.26, at least 0.13; marketplaces of 2 to 6 sellers -0.03, -0.23, and
# 0.30, 0.08; of 2 to 4 carriers -0.36 to -0.78, at least -0.89, and 0.20 to 0.26, at least 0.02. The fee costs 0.06 to 0.21 of
# the savings, of small pilots of two vendors up to 0.44. One supplier alone is paid no more than is saved.
SIGNED = {"pilot": {3: 5.0, 2: 8.0}, "marketplace": {2: 5.0}, "carriers": {2: 3.0}}

FLOW = 100  # numbers' worth of memory that a flow takes, its names and table rows included


def names(pool: Sequence[str], count: int, word: str) -> tuple[str, ...]:
    """Return `count` names: those of the pool where they are enough, else numbered words."""
    if count <= len(pool):
        return tuple(pool[:count])
    return tuple(f"{word}-{k:0{len(str(count))}d}" for k in range(1, count + 1))


def sizes(**counts: int) -> None:
    """Raise InputError for counts that are not whole numbers from 1 to 10,000."""
    for name, count in counts.items():
        whole_number(count, name, 1, most=WEEKS)


def described(what: str, generator: str, seed: int) -> str:
    """Return the description of a case, which says that it is nobody's data."""
    return f"Synthetic: {what}, drawn by veridical.data.joint_plan.{generator} with seed {seed}; not data of any company."


def signed(kind: str, suppliers: int, **others: float) -> Parameters:
    """Return the parameters of a mechanism that the receivers would sign: with the activity fee that was measured."""
    fee = next((fee for least, fee in SIGNED[kind].items() if suppliers >= least), 0.0)
    return Parameters(activity_fee=fee, **others)


def seasonal(rng: np.random.Generator, weeks: int, shape: tuple[int, ...]) -> Array:
    """Return factors around 1, shape (*shape, weeks): a wave of four and a half weeks, nearly in step, and lognormal noise."""
    phase = rng.uniform(-0.1, 0.1, (*shape, 1))
    wave = 1.0 - 0.65 * np.cos(2 * np.pi * (np.arange(weeks) / 4.5 + phase))
    return wave * np.exp(rng.normal(-0.01, 0.15, (*shape, weeks)))


def noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return factors around 1: what needs turn out to be, relative to what was expected."""
    return np.exp(rng.normal(-0.005, 0.1, shape))


def grid(array: Array, *levels: Sequence[object], digits: int = 2) -> Values:
    """Return an array as Values over the product of its levels, rounded so that tables can be read."""
    keys: list[tuple[object, ...]] = [(key,) for key in levels[0]]
    for level in levels[1:]:
        keys = [(*key, name) for key in keys for name in level]
    flat = np.round(np.broadcast_to(array, tuple(len(level) for level in levels)), digits).ravel().tolist()
    return Values(dict(zip([key if len(levels) > 1 else key[0] for key in keys], flat, strict=True)))


class World:
    """Products, sites, weeks, and who supplies which product where: what the cases have in common."""

    def __init__(self, seed: int, suppliers: tuple[str, ...], products: int, sites: int, weeks: int, makers: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.weeks = tuple(range(1, weeks + 1))
        self.products = names(PRODUCTS, products, "product")
        self.sites = names(CENTRES, sites, "centre")
        self.suppliers = suppliers
        self.volume = np.round(self.rng.uniform(0.03, 0.07, products), 3)  # m3 per unit
        if makers > len(suppliers):
            raise InputError.of("makers", makers, f"at most as many as there are suppliers: {len(suppliers)}")
        # supplier k makes product p: in turn, so that everybody has about as many; who would have none has one all the same
        self.makes = np.array([[(k - p) % len(suppliers) < makers for p in range(products)] for k in range(len(suppliers))])
        idle = np.flatnonzero(~self.makes.any(axis=1))
        self.makes[idle, idle % products] = True
        self.makers = self.makes.sum(axis=0)  # of each product

    def made(self, k: int) -> list[int]:
        """Return the numbers of the products that supplier k has."""
        return np.flatnonzero(self.makes[k]).tolist()

    def supplied(self, k: int, need: Array) -> tuple[Array, Array, float, list[str]]:
        """Return of supplier k's products m3 per unit, his part of the need at each site, its m3 in all, and their names."""
        made = self.made(k)
        volumes, share = self.volume[made], need[made] / self.makers[made, None]
        return volumes, share, float(volumes @ share.sum(axis=1)), [self.products[p] for p in made]

    def shared(self, receiver: str, price: Array) -> Shared:
        """Return what is shared, at prices per m3 of shape (suppliers, products)."""
        paid = np.round(price * self.volume, 3)
        routes = tuple(
            Route(supplier, receiver, site, self.products[p], float(paid[k, p]))
            for k, supplier in enumerate(self.suppliers)
            for p in self.made(k)
            for site in self.sites
        )
        volumes = Values(dict(zip(self.products, self.volume.tolist(), strict=True)))
        return Shared(weeks=self.weeks, products=volumes, sites=self.sites, routes=routes, truck_volume=TRUCK)

    def lanes(self, need: Array) -> dict[str, Any]:
        """Return a supplier's lanes; `need` is the mean volume a week, m3, one a site."""
        cost = self.rng.uniform(16.0, 25.0, len(need))
        return {
            "contract": grid(need * self.rng.uniform(1.0, 1.15, len(need)), self.sites, digits=1),
            "contract_cost": grid(cost, self.sites),
            "spot_cost": grid(1.5 * cost, self.sites),
            "lane_congestion": grid(5.0 / need, self.sites, digits=4),
        }

    def receiver(self, regions: int) -> tuple[dict[str, Values], Array]:
        """Return a retailer's record, and the mean need of each product at each site, units a week: (products, sites)."""
        rng, areas = self.rng, names(REGIONS, regions, "region")
        shape = (regions, len(self.products))
        mean = rng.uniform(60.0, 180.0, shape)[..., None]
        expected = mean * seasonal(rng, len(self.weeks), shape)
        actual = expected * noise(rng, expected.shape)
        # a region is served from its three nearest sites, on a square
        place, home = rng.uniform(size=(len(self.sites), 2)), rng.uniform(size=(regions, 2))
        distance = np.linalg.norm(place[:, None] - home[None], axis=2)
        near = np.argsort(distance, axis=0)[:3]
        pairs = [(f, r) for r in range(regions) for f in near[:, r]]
        outbound = {(self.sites[f], areas[r]): round(4.0 + 8.0 * float(distance[f, r]), 2) for f, r in pairs}
        share = np.zeros((len(self.sites), regions))
        weight = np.exp(-4.0 * np.take_along_axis(distance, near, axis=0))
        np.put_along_axis(share, near, weight / weight.sum(axis=0), axis=0)
        need = np.einsum("fr,rpt->pf", share, expected) / len(self.weeks)
        volume = np.maximum(self.volume @ need, 1.0)
        record = {
            "demand": grid(expected, areas, self.products, self.weeks, digits=0),
            "actual": grid(actual, areas, self.products, self.weeks, digits=0),
            "outbound_cost": Values(outbound),
            "holding_cost": grid(np.broadcast_to(1.8 * self.volume, need.T.shape), self.sites, self.products, digits=4),
            "stock": grid(0.3 * need.T, self.sites, self.products, digits=0),
            "penalty": grid(220.0 * self.volume, self.products),
            "inbound_capacity": grid((volume * rng.uniform(1.15, 1.25, len(volume)))[:, None], self.sites, self.weeks, digits=1),
            "inbound_overtime": grid(np.full(len(volume), 1.0), self.sites),
            "congestion": grid(0.5 / volume, self.sites, digits=4),
        }
        return record, np.maximum(need, 1.0)


def pilot(
    vendors: int = 4,
    sites: int = 3,
    regions: int = 4,
    products: int = 6,
    weeks: int = 9,
    seed: int = 0,
    makers: int | None = None,
    name: str = "pilot",
) -> JointPlanCase:
    """Return a retailer with his vendors.

    Parameters
    ----------
    vendors : int
        How many there are.
    sites, regions, products, weeks : int
        How many fulfilment centres, regions with demand, products and weeks there are.
    makers : int, optional
        How many suppliers each product has; two, where there are so many.
    seed : int
        Every number is drawn from it.
    name : str
        Of the case.

    Returns
    -------
    JointPlanCase
        The case.

    Raises
    ------
    InputError
        For a count that is not a whole number >= 1, and for more makers than suppliers.

    Examples
    --------
    >>> pilot(vendors=2, weeks=1).suppliers
    ('Alder', 'Birch')
    """
    sizes(vendors=vendors)
    makers = min(MAKERS, vendors) if makers is None else makers
    sizes(sites=sites, regions=regions, products=products, weeks=weeks, makers=makers)
    fits(FLOW * weeks * (sites * max(products * makers, vendors) + products * regions), "weeks", weeks)
    world = World(seed, names(VENDORS, vendors, "vendor"), products, sites, weeks, makers)
    rng = world.rng
    record, need = world.receiver(regions)
    parties: list[Retailer | Vendor] = [Retailer(name="retailer", **record)]
    made_at = np.zeros((vendors, products))
    for k, vendor in enumerate(world.suppliers):
        volumes, share, total, goods = world.supplied(k, need)
        cost = rng.uniform(18.0, 24.0, len(goods))
        made_at[k, world.made(k)] = cost
        parties.append(
            Vendor(
                name=vendor,
                production_overtime=float(np.round(rng.uniform(18.0, 24.0), 2)),
                handling_overtime=float(np.round(rng.uniform(10.0, 14.0), 2)),
                smoothing=float(np.round(6.0 / max(total, 1.0), 4)),
                production_cost=grid(cost * volumes, goods, digits=3),
                holding_cost=grid(0.8 * volumes, goods, digits=4),
                expediting_cost=grid((cost + 90.0) * volumes, goods, digits=3),
                stock=grid(0.4 * share.sum(axis=1), goods, digits=0),
                production_capacity=grid(total * rng.uniform(1.1, 1.25, 1), world.weeks, digits=1),
                handling_capacity=grid(total * rng.uniform(1.1, 1.25, 1), world.weeks, digits=1),
                **world.lanes(volumes @ share),
            )
        )
    price = np.where(world.makes, made_at.sum(axis=0) / world.makers + 50.0 + rng.uniform(-SPREAD, SPREAD, (vendors, 1)), 0.0)
    said = described(f"a retailer and {vendors} vendors over {weeks} weeks", "pilot", seed)
    shared, mechanism = world.shared("retailer", price), signed("pilot", vendors)
    return JointPlanCase(name=name, shared=shared, parties=tuple(parties), mechanism=mechanism, description=said)


def marketplace(
    sellers: int = 4,
    sites: int = 3,
    regions: int = 4,
    products: int = 6,
    weeks: int = 9,
    seed: int = 0,
    makers: int | None = None,
    name: str = "marketplace",
) -> JointPlanCase:
    """Return a marketplace that fulfils for sellers: they place stock of their own; the price of a route is less referral.

    Parameters
    ----------
    sellers : int
        How many there are.
    sites, regions, products, weeks : int
        How many fulfilment centres, regions with demand, products and weeks there are.
    makers : int, optional
        How many suppliers each product has; two, where there are so many.
    seed : int
        Every number is drawn from it.
    name : str
        Of the case.

    Returns
    -------
    JointPlanCase
        The case.

    Raises
    ------
    InputError
        For a count that is not a whole number >= 1, and for more makers than suppliers.

    Examples
    --------
    >>> marketplace(sellers=2, weeks=1).suppliers
    ('Garnet', 'Hazel')
    """
    sizes(sellers=sellers)
    makers = min(MAKERS, sellers) if makers is None else makers
    sizes(sites=sites, regions=regions, products=products, weeks=weeks, makers=makers)
    fits(FLOW * weeks * (sites * max(products * makers, sellers) + products * regions), "weeks", weeks)
    world = World(seed, names(SELLERS, sellers, "seller"), products, sites, weeks, makers)
    rng = world.rng
    record, need = world.receiver(regions)
    sale = rng.uniform(230.0, 260.0, products)  # currency per m3
    record["penalty"] = grid(1.1 * sale * world.volume, world.products)
    parties: list[Marketplace | Seller] = [Marketplace(name="marketplace", **record)]
    for k, seller in enumerate(world.suppliers):
        volumes, share, total, goods = world.supplied(k, need)
        weekly = share.sum(axis=1)[:, None] * rng.uniform(0.9, 1.1, (len(goods), weeks))
        parties.append(
            Seller(
                name=seller,
                handling_overtime=float(np.round(rng.uniform(12.0, 16.0), 2)),
                arrivals=grid(weekly, goods, world.weeks, digits=0),
                holding_cost=grid(0.8 * volumes, goods, digits=4),
                expediting_cost=grid(30.0 * volumes, goods, digits=3),
                stock=grid(0.8 * share.sum(axis=1), goods, digits=0),
                handling_capacity=grid(total * rng.uniform(1.05, 1.2, 1), world.weeks, digits=1),
                **world.lanes(volumes @ share),
            )
        )
    referral = 0.15
    price = np.where(world.makes, (1.0 - referral) * sale + rng.uniform(-SPREAD, SPREAD, (sellers, 1)) / 3, 0.0)
    said = described(f"a marketplace and {sellers} sellers over {weeks} weeks", "marketplace", seed)
    said += f" Sellers place stock of their own; the price of a route is the sale price less a referral of {referral:.0%}."
    shared, mechanism = world.shared("marketplace", price), signed("marketplace", sellers)
    return JointPlanCase(name=name, shared=shared, parties=tuple(parties), mechanism=mechanism, description=said)


def carriers(
    shippers: int = 2, carriers: int = 3, lanes: int = 5, weeks: int = 9, seed: int = 0, name: str = "carriers"
) -> JointPlanCase:
    """Return shippers whose freight carriers carry: a unit is a pallet, a site a lane, and everybody may carry for everybody.

    Parameters
    ----------
    shippers, carriers, lanes, weeks : int
        How many there are.
    seed : int
        Every number is drawn from it.
    name : str
        Of the case.

    Returns
    -------
    JointPlanCase
        The case.

    Raises
    ------
    InputError
        For a count that is not a whole number >= 1.

    Examples
    --------
    >>> carriers(carriers=2, weeks=1).suppliers
    ('Alder', 'Birch')
    """
    sizes(shippers=shippers, carriers=carriers, lanes=lanes, weeks=weeks)
    fits(FLOW * shippers * carriers * lanes * weeks, "weeks", weeks)
    rng = np.random.default_rng(seed)
    numbers = tuple(range(1, weeks + 1))
    ends = [f"{a}-{b}" for a in CENTRES for b in CENTRES if a != b]
    order = rng.permutation(len(ends))
    sites = tuple(ends[k] for k in order[:lanes]) if lanes <= len(ends) else names((), lanes, "lane")
    firms, fleets = names(("Flint", "Glover", "Harrow"), shippers, "shipper"), names(VENDORS, carriers, "carrier")
    pallet = 1.5  # m3
    mean = rng.uniform(40.0, 120.0, (shippers, lanes))
    ready = mean[..., None] * seasonal(rng, weeks, (shippers, lanes))
    distance = rng.uniform(0.6, 1.6, lanes)
    parties: list[Shipper | Carrier] = []
    for k, firm in enumerate(firms):
        total = pallet * ready[k].mean(axis=1).sum()
        parties.append(
            Shipper(
                name=firm,
                dock_overtime=float(np.round(rng.uniform(4.0, 6.0), 2)),
                ready=grid(ready[k][:, None, :], sites, ("pallet",), numbers, digits=0),
                actual=grid((ready[k] * noise(rng, ready[k].shape))[:, None, :], sites, ("pallet",), numbers, digits=0),
                waiting_cost=grid(np.full((lanes, 1), 2.5), sites, ("pallet",)),
                market_cost=grid(90.0 * distance[:, None], sites, ("pallet",)),
                stock=grid(np.zeros((lanes, 1)), sites, ("pallet",)),
                dock_capacity=grid(total * rng.uniform(1.15, 1.25, 1), numbers, digits=1),
                congestion=grid(1.0 / (pallet * mean[k]), sites, digits=4),
            )
        )
    need = pallet * mean.sum(axis=0) / carriers  # m3 a week on each lane
    routes = []
    for fleet in fleets:
        cost = 14.0 * distance * rng.uniform(0.9, 1.1, lanes)
        days = 0.02 * distance
        parties.append(
            Carrier(
                name=fleet,
                fleet_overtime=float(np.round(rng.uniform(550.0, 650.0), 2)),
                smoothing=float(np.round(4.0 / need.sum(), 4)),
                fleet=grid(float(days @ need) * rng.uniform(1.1, 1.25, 1), numbers),
                truck_days=grid(days, sites, digits=4),
                contract=grid(need * rng.uniform(1.0, 1.15, lanes), sites, digits=1),
                contract_cost=grid(cost, sites),
                spot_cost=grid(1.5 * cost, sites),
                lane_congestion=grid(3.0 / need, sites, digits=4),
            )
        )
        price = np.round(pallet * 24.0 * distance * (1.0 + rng.uniform(-SPREAD, SPREAD) / 100), 2).tolist()
        routes += [Route(fleet, firm, site, "pallet", paid) for firm in firms for site, paid in zip(sites, price, strict=True)]
    shared = Shared(weeks=numbers, products=Values({"pallet": pallet}), sites=sites, routes=tuple(routes), truck_volume=TRUCK)
    said = described(f"{shippers} shippers and {carriers} carriers on {lanes} lanes over {weeks} weeks", "carriers", seed)
    mechanism = signed("carriers", carriers, tie_break=0.01)
    return JointPlanCase(name=name, shared=shared, parties=tuple(parties), mechanism=mechanism, description=said)
