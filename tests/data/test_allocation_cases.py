"""Cases of capacity allocation: what they hold, and profiles against all orderings of types."""

import itertools
import math
import tomllib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.allocation_cases import raw_case, raw_group
from support.strategies import examples
from veridical.data.allocation import AllocationCase, FixedPrice, RetailerGroup
from veridical.data.fields import check
from veridical.data.revenue import LinearDemand
from veridical.data.type_profiles import sampled

FILES = {
    "capacity-table-5": """
# Two retailers, as alike as can be, share what a supplier has: the example of the allocation paper's section 6, Table 5.
# At this cost the capacity worth having is 2.63 units.
kind = "allocation"
description = "Two retailers with linear demand; the allocation paper's Table 5"
capacity_cost = 1.85              # currency per unit

[[retailers]]
count = 2
types = [4, 5, 6, 7, 8]           # what the first unit would sell for: R = q (type - q)
probabilities = [0.2, 0.2, 0.2, 0.2, 0.2]
revenue = { form = "linear_demand" }
""",
    "capacity-unlike-retailers": """
# Unlike retailers share a fixed capacity. SYNTHETIC: every figure was made up for this file.
# The boutiques' types are not regular: a five and a six are treated alike, which is what ironing does.
kind = "allocation"
description = "Three boutiques that set their prices, and two newsvendors who cannot, share a fixed capacity"
capacity = 14.0                   # units

[[retailers]]
name = "boutiques"
count = 3
types = [5, 6, 9]                 # what the first unit would sell for: R = q (type - 0.5 q^1.5)
probabilities = [0.5, 0.05, 0.45]
revenue = { form = "power_demand", scale = 0.5, exponent = 1.5 }

[[retailers]]
name = "kiosks"
count = 2
types = [3, 4, 5]                 # mean demand, units
probabilities = [0.3, 0.4, 0.3]
revenue = { form = "newsvendor", price = 12.0, demand = { distribution = "normal", sd = 1.0 } }

[fixed_price]                     # what the supplier does today
wholesale_price = 4.0             # currency per unit
rule = "proportional"
""",
}


def test_cases_are_read_from_toml() -> None:
    table, unlike = (check(AllocationCase, tomllib.loads(text)) for text in FILES.values())
    assert (table.capacity, table.capacity_cost, table.order) == (None, 1.85, (0, 0))
    assert table.retailers[0].theta.tolist() == [4, 5, 6, 7, 8]
    assert table.retailers[0].revenue == LinearDemand()
    assert (unlike.capacity, unlike.names, unlike.order) == (14.0, ("boutiques", "kiosks"), (0, 0, 0, 1, 1))
    assert unlike.fixed_price == FixedPrice(wholesale_price=4.0, rule="proportional")
    assert unlike.profile_count == 10 * 6
    text = """
        kind = "allocation"
        capacity = 2.63
        retailers = [{ count = 2, prior = { distribution = "uniform", low = 4, high = 8 }, revenue = { form = "linear_demand" } }]
    """
    assert check(AllocationCase, tomllib.loads(text)).continuous


def test_a_case_says_what_it_holds() -> None:
    own = raw_case(raw_group(count=2, name="north"), raw_group(count=1, types=[3], probabilities=None), name="c")
    assert own.order == (0, 0, 1)
    assert own.members == (2, 1)
    assert own.names == ("north", "retailers 2")
    assert own.profile_count == 6
    assert own.retailers[1].probability.tolist() == [1.0]
    assert check(AllocationCase, own.model_dump()) == own
    assert hash(check(AllocationCase, own.model_dump())) == hash(own)
    assert own.changed(capacity=None, capacity_cost=2).capacity_cost == 2
    with pytest.raises(ValueError, match="frozen"):
        own.capacity = 4.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        own.retailers[0].theta[0] = 9


def test_probabilities_are_rescaled() -> None:
    own = check(RetailerGroup, raw_group(types=[1, 2, 3], probabilities=[0.3333333333, 0.3333333333, 0.3333333333]))
    assert own.probability == pytest.approx([1 / 3] * 3, rel=1e-15)
    assert own.survival == pytest.approx([1, 2 / 3, 1 / 3, 0], rel=1e-15)


def test_profiles_are_all_orderings_of_types_put_together() -> None:
    own = raw_case(raw_group(count=3), raw_group(count=2, types=[1, 9], probabilities=[0.25, 0.75]))
    profiles = own.profiles()
    found: Counter[tuple[int, ...]] = Counter()
    f, g = own.retailers[0].probability, own.retailers[1].probability
    for types in itertools.product(range(3), range(3), range(3), range(2), range(2)):
        key = (*sorted(types[:3]), *sorted(types[3:]))
        found[key] += math.prod(f[list(types[:3])]) * math.prod(g[list(types[3:])])
    assert [tuple(row) for row in profiles.types().tolist()] == sorted(found)
    assert profiles.probability == pytest.approx([found[key] for key in sorted(found)], rel=1e-13)
    assert profiles.counts.sum(axis=1).tolist() == [5] * len(found) == [5] * own.profile_count
    values = np.concatenate([own.retailers[0].theta, own.retailers[1].theta]) + np.zeros((len(found), 1))
    each = profiles.by_retailer(values)
    assert each[:, :3].tolist() == own.retailers[0].theta[profiles.types()[:, :3]].tolist()
    assert each[:, 3:].tolist() == own.retailers[1].theta[profiles.types()[:, 3:]].tolist()
    assert not profiles.sampled


def test_thirty_retailers_with_five_types_are_listed() -> None:
    own = raw_case(raw_group(count=30, types=[4, 5, 6, 7, 8], probabilities=[0.2] * 5))
    profiles = own.profiles()
    assert not profiles.sampled
    assert own.profile_count == len(profiles.counts) == 46_376
    assert profiles.probability.sum() == pytest.approx(1, rel=1e-14)
    mean = profiles.probability @ profiles.counts
    assert mean == pytest.approx([6] * 5, rel=1e-12)
    assert (profiles.probability @ profiles.counts**2 - mean**2) == pytest.approx([30 * 0.2 * 0.8] * 5, rel=1e-11)


def test_types_that_never_occur_have_profiles_of_probability_zero() -> None:
    profiles = raw_case(raw_group(probabilities=[0.0, 0.4, 0.6])).profiles()
    assert profiles.types().tolist() == [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]
    assert profiles.probability == pytest.approx([0, 0, 0, 0.16, 0.48, 0.36])


def test_too_many_profiles_are_drawn_with_a_seed() -> None:
    own = raw_case(raw_group(count=120, types=[4, 5, 6, 7], probabilities=[0.1, 0.2, 0.3, 0.4]))
    assert own.profile_count == math.comb(123, 3) > 200_000
    profiles = own.profiles(samples=4000, seed=3)
    assert profiles.sampled
    assert profiles.probability.tolist() == [1 / 4000] * 4000
    assert (profiles.counts.sum(axis=1) == 120).all()
    spread = np.sqrt(120 * own.retailers[0].probability * (1 - own.retailers[0].probability) / 4000)
    assert (abs(profiles.counts.mean(axis=0) - 120 * own.retailers[0].probability) < 4 * spread).all()
    assert (own.profiles(samples=4000, seed=3).counts == profiles.counts).all()
    assert (own.profiles(samples=4000, seed=4).counts != profiles.counts).any()


@examples(30)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4)), min_size=1, max_size=3))
def test_the_number_of_profiles_is_known_without_them(sizes: list[tuple[int, int]]) -> None:
    groups = [raw_group(count=n, types=list(range(1, m + 1)), probabilities=[1 / m] * m) for n, m in sizes]
    own = raw_case(*groups)
    if own.profile_count <= 20_000:
        profiles = own.profiles()
        assert len(profiles.counts) == own.profile_count == len(np.unique(profiles.counts, axis=0))
        assert profiles.probability.sum() == pytest.approx(1)
    drawn = sampled(own.members, [each.probability for each in own.retailers], 10, 0)
    assert drawn.types().shape == (10, len(own.order))
