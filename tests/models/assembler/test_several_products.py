"""Several products that share components: two ways, what one product and many of one kind come to, and what they are worth."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support import linear_oracles
from support.assembler_cases import EXACT, SOLVED, demands, near, random_cases
from support.command_line import Run
from support.strategies import examples
from veridical.data import AssemblerCase, InputError, Product
from veridical.studies.figures.assembler import contract_menu

UNIFORM = {"distribution": "uniform", "low": 100, "high": 900}
PHONE = {"name": "phone", "price": 31.0, "demand": UNIFORM, "units": {"panel": 1, "battery": 1}}
PAD = {"name": "pad", "price": 70.0, "demand": {**UNIFORM, "low": 50, "high": 300}, "units": {"panel": 2, "battery": 3}}
CLOSED = ("naive", "icds_balanced", "icds", "hybrid", "first_best")
ALL = (*CLOSED, "frw", "bic")
TERMS = ("salvage", "shortage_penalty", "assembly_cost")


def two(**changes: Any) -> AssemblerCase:
    """Return phones and pads of panels and batteries."""
    one: AssemblerCase = vd.example("two-suppliers").changed(products=[PHONE, PAD])
    return one.changed(**changes) if changes else one


def into_products(case: AssemblerCase, products: list[dict[str, Any]]) -> AssemblerCase:
    """Return a case of one product with others in its place; what `units` are is said by product."""
    bare = {f"suppliers.{i}.units_per_product": 1.0 for i in range(len(case.names))}
    return case.changed(products=products, **bare)


def as_one_of(case: AssemblerCase, name: str = "product") -> dict[str, Any]:
    """Return the one product of a case as an entry of `products`."""
    units = {supplier.delivers: supplier.units_per_product for supplier in case.suppliers}
    sold = {key: getattr(case, key) for key in ("price", "demand", *TERMS)}
    return {"name": name, "units": units, **sold}


def is_any(demand: dict[str, Any]) -> bool:
    """Return whether anybody asks for a product."""
    return demand["distribution"] != "empirical" or bool(np.dot(demand["values"], demand["weights"]) > 0)


@st.composite
def product_cases(draw: st.DrawFn, kind: str = "empirical", joint: bool = False, limits: bool = False) -> AssemblerCase:
    """Return random cases of one to three products, every component in one of them; with capacities and more under `limits`."""
    case = draw(random_cases(kind, joint=joint, suppliers=3, most_costs=2))
    products = []
    for p in range(draw(st.integers(1, 3))):
        units = {name: float(draw(st.integers(1 if p == 0 else 0, 3))) for name in case.names}
        if not any(units.values()):
            units[case.names[0]] = 1.0
        dear = sum(each * case.suppliers[i].costs[-1] for i, each in enumerate(units.values()))
        least = sum(each * case.suppliers[i].costs[0] for i, each in enumerate(units.values()))
        price = dear * draw(st.integers(3, 40)) / 16
        sold = {"name": f"p{p}", "price": price, "demand": draw(demands(kind).filter(is_any)), "units": units}
        if draw(st.booleans()):
            sold |= {"shortage_penalty": price / 8, "assembly_cost": price / 5, "salvage": min(least, price) / 3}
        products.append(sold)
    changes: dict[str, Any] = {}
    for i in range(len(case.names) if limits else 0):
        if draw(st.booleans()):
            changes[f"suppliers.{i}.capacity"] = float(draw(st.integers(20, 900)))
        if draw(st.booleans()):
            changes[f"suppliers.{i}.reservation_profit"] = float(draw(st.integers(0, 400)))
    return case.changed(products=products, **changes)


def programmed(case: AssemblerCase, oracle: str) -> float:
    """Return what the program written apart earns, less the penalty of all demand."""
    assert case.products is not None
    sold, penalty = [], 0.0
    for p in case.products:
        assert isinstance(p.demand, vd.data.Discrete)
        units = {k: p.units.get(s.name, 0.0) for k, s in enumerate(case.suppliers)}
        per_sale = p.price + p.shortage_penalty - p.assembly_cost - p.salvage
        sold.append(linear_oracles.Sold(per_sale, p.salvage, p.demand.points.tolist(), p.demand.masses.tolist(), units))
        penalty += p.shortage_penalty * p.demand.expectation
    of = linear_oracles.Practice(reserved=[s.reservations for s in case.suppliers], capacity=[s.capacity for s in case.suppliers])
    costs = [s.costs for s in case.suppliers]
    return linear_oracles.of_products(oracle, sold, costs, case.probability, of).optimum() - penalty


def tied(case: AssemblerCase) -> bool:
    """Return whether truth ties products together: costs are correlated, and virtual cost of one product is not monotone."""
    alone = (case.alone(p) for p in range(len(case.products or ())))
    monotone = all(vd.monotonicity(one).holds for one in alone)
    return not case.independent and not monotone and len(case.products or ()) > 1


def turnover(case: AssemblerCase) -> float:
    """Return what all demand sells for: the scale of profits that may cancel."""
    return sum(product.price * product.demand.expectation for product in case.products or ()) + 1.0


@examples(10)
@given(product_cases(joint=True, limits=True))
def test_models_earn_what_a_program_written_apart_does(case: AssemblerCase) -> None:
    for oracle, (mechanism, parameters) in linear_oracles.MECHANISMS.items():
        if oracle == "interim":
            continue  # beliefs may differ too little to be told apart
        solution = vd.solve(case, mechanism, "highs", **parameters)
        assert abs(solution.objective - programmed(case, oracle)) <= SOLVED * turnover(case), oracle
        assert solution.audit is not None
        assert abs(solution.audit.expected_profit - solution.objective) <= SOLVED * turnover(case)
        assert solution.audit.individually_rational
        assert solution.audit.truthful or mechanism in ("first_best", "bic")


@examples(10)
@given(st.sampled_from(["uniform", "exponential", "empirical"]).flatmap(product_cases))
def test_closed_forms_earn_what_models_do(case: AssemblerCase) -> None:
    for mechanism in CLOSED:
        formula, model = (vd.solve(case, mechanism, solver) for solver in ("closed_form", "highs"))
        assert abs(formula.objective - model.objective) <= SOLVED * turnover(case), mechanism
        assert formula.audit is not None
        assert formula.audit.individually_rational
        assert formula.audit.truthful or mechanism == "first_best"


@examples(10)
@given(st.sampled_from(["uniform", "empirical"]).flatmap(lambda kind: product_cases(kind, joint=True)))
def test_under_any_prior_a_balanced_optimum_is_that_of_icds_or_refused(case: AssemblerCase) -> None:
    if tied(case):
        for solver in ("closed_form", "highs"):
            with pytest.raises(InputError, match=r"products: .* or monotone virtual cost of every product"):
                vd.solve(case, "icds_balanced", solver)
        return
    profits = [
        vd.solve(case, *way).objective
        for way in (("icds_balanced", "closed_form"), ("icds_balanced", "highs"), ("icds", "highs"))
    ]
    assert max(profits) - min(profits) <= SOLVED * turnover(case)


@pytest.mark.parametrize("solver", ["closed_form", "highs"])
@pytest.mark.parametrize("name", ["two-suppliers", "two-suppliers-correlated", "electronics"])
def test_one_product_in_a_list_is_the_case_without(name: str, solver: str) -> None:
    case = vd.example(name)
    if name == "two-suppliers":
        terms = {"salvage": 1.5, "shortage_penalty": 0.7, "assembly_cost": 1.1}
        case = case.changed(**terms, **{"suppliers.battery.units_per_product": 2.0, "suppliers.panel.reservation_profit": 40.0})
    listed = into_products(case, [as_one_of(case)])
    for mechanism in CLOSED if name != "electronics" else ("naive", "icds_balanced", "hybrid"):
        if (solver, name, mechanism) == ("closed_form", "two-suppliers-correlated", "icds"):
            with pytest.raises(InputError, match="only cases with independent costs or monotone virtual cost"):
                vd.solve(listed, mechanism, solver)
            continue  # as without a list
        fine: Any = {"solver": solver, "tolerance": 1e-10} if solver == "highs" else solver
        ours, other = (vd.solve(one, mechanism, fine) for one in (case, listed))
        assert other.objective == near(ours.objective, EXACT)
        assert other.audit is not None
        assert other.audit.balanced == (ours.audit is not None and ours.audit.balanced)


@examples(10)
@given(random_cases("uniform"), st.sampled_from(["closed_form", "highs"]))
def test_products_without_a_common_component_are_cases_of_their_own(case: AssemblerCase, solver: str) -> None:
    own = [supplier.model_dump(exclude_none=True, exclude={"reported"}) for supplier in case.suppliers]
    copies = [{**supplier, "name": supplier["name"] + " again"} for supplier in own]
    first = as_one_of(case, "first")
    again = {**first, "name": "second", "price": 1.2 * case.price, "units": {f"{name} again": 1.0 for name in case.names}}
    both = case.changed(products=[first, again], suppliers=[*own, *copies])
    for mechanism in ("naive", "icds_balanced"):
        alone = sum(vd.solve(one, mechanism, solver).objective for one in (case, case.changed(price=1.2 * case.price)))
        assert abs(vd.solve(both, mechanism, solver).objective - alone) <= SOLVED * turnover(both)


@examples(10)
@given(product_cases("uniform"), st.integers(2, 3))
def test_so_many_identical_products_earn_so_many_times_as_much(case: AssemblerCase, times: int) -> None:
    """Money, units and rents add up; what suppliers earn elsewhere does not."""
    assert case.products is not None
    many = [product.changed(name=f"{product.name} {k}") for product in case.products for k in range(times)]
    for mechanism in CLOSED:
        one, all_of_them = (vd.solve(each, mechanism, "closed_form") for each in (case, case.changed(products=many)))
        assert abs(all_of_them.objective - times * one.objective) <= EXACT * turnover(case)
        np.testing.assert_allclose(all_of_them.contracts.payment, times * one.contracts.payment, rtol=EXACT, atol=1e-9)


def test_two_halves_of_a_demand_that_always_moves_together_are_the_whole() -> None:
    """Half of the demand, twice at the same price: expected sales of half the units are half, with either half."""
    whole = two()
    half = {**PHONE, "demand": {**UNIFORM, "low": 50, "high": 450}}
    halves = whole.changed(products=[{**half, "name": "white"}, {**half, "name": "black"}, PAD])
    for mechanism in ALL:
        fine: Any = {"solver": "highs", "tolerance": 1e-9}
        assert vd.solve(halves, mechanism, fine).objective == near(vd.solve(whole, mechanism, fine).objective)


@examples(10)
@given(product_cases("uniform"), st.sampled_from([0.01, 100.0]), st.sampled_from([0.1, 10.0]), st.randoms())
def test_names_units_and_money_are_only_words(case: AssemblerCase, money: float, size: float, random: Any) -> None:
    """Money in cents; components counted by the ten; products and suppliers in another order."""
    assert case.products is not None
    suppliers = [
        {"name": s.name, "probabilities": s.probabilities, "costs": [money * c / size for c in s.costs]} for s in case.suppliers
    ]
    products = []
    for p in case.products:
        amounts = {key: money * getattr(p, key) for key in ("price", *TERMS)}
        units = {name: size * each for name, each in p.units.items()}
        products.append({"name": p.name, "demand": p.demand, "units": units, **amounts})
    random.shuffle(suppliers)
    random.shuffle(products)
    other = case.changed(suppliers=suppliers, products=products)
    for mechanism in ("icds", "frw"):
        ours, theirs = (vd.solve(one, mechanism, "highs").objective for one in (case, other))
        assert abs(theirs / money - ours) <= SOLVED * turnover(case)


@examples(8)
@given(product_cases(joint=True))
def test_the_order_of_profits_holds(case: AssemblerCase) -> None:
    ways: dict[str, tuple[str, dict[str, Any]]] = {name: (name, {}) for name in ("naive", "frw", "icds", "hybrid", "first_best")}
    ways |= {"ex_post": ("bic", {"participation": "ex_post"}), "together": ("icds", {"coalitions": True})}
    ways |= {"fewer": ("hybrid", {"k": 0})}
    ways |= {} if tied(case) else {"balanced": ("icds_balanced", {})}
    earned = {name: vd.solve(case, way, "highs", **more).objective for name, (way, more) in ways.items()}
    slack = SOLVED * turnover(case)
    orders = [
        ("naive", "frw", "icds", "ex_post", "first_best"),
        ("naive", "fewer", "hybrid", "icds"),
        ("naive", "together", "icds"),
    ]
    orders += [("naive", "balanced", "icds")] if "balanced" in earned else []
    for order in orders:
        profits = [earned[name] for name in order]
        assert all(less <= more + slack for less, more in pairwise(profits)), (order, profits)
    if case.independent or ("balanced" in earned and len(case.products or ()) > 1):
        assert abs(earned["balanced"] - earned["icds"]) <= slack
    if case.independent:
        assert abs(earned["ex_post"] - earned["icds"]) <= slack


def test_coalitions_of_suppliers_of_several_products() -> None:
    audits = [vd.solve(two(), "icds", "highs", coalitions=together).audit for together in (False, True)]
    holds = [audit is not None and audit.properties["coalition_ic_with_side_payments"].holds for audit in audits]
    assert holds == [False, True]


@pytest.mark.parametrize(
    ("mechanism", "solver"),
    [*((name, "closed_form") for name in CLOSED), ("icds", "highs"), ("frw", "highs"), ("naive", "ipopt")],
)
def test_what_a_number_is_worth_is_a_difference_of_profits(mechanism: str, solver: str) -> None:
    terms = {"salvage": 1.5, "shortage_penalty": 0.7, "assembly_cost": 1.1}
    case = two(products=[{**PHONE, **terms}, {**PAD, "salvage": 2.0}], **{"suppliers.panel.reservation_profit": 40.0})
    if solver != "closed_form":
        case = case.changed(**{"suppliers.battery.capacity": 900.0})
    fine: Any = {"solver": solver, "tolerance": 1e-10} if solver != "closed_form" else solver
    worth = vd.solve(case, mechanism, fine).sensitivity
    numbers = [name for name in worth.index if name.startswith("products.")]
    assert len(numbers) == 2 + 4 + 4
    if "capacity battery" in worth.index:
        numbers.append("capacity battery")
    for name in numbers:
        place = "suppliers.battery.capacity" if name == "capacity battery" else name
        here: Any = case
        for step in place.split("."):
            items = {getattr(item, "name", None): item for item in here} if isinstance(here, tuple) else here
            here = items[step] if isinstance(items, dict) else getattr(here, step)
        step = 1e-4 * here
        profits = [vd.solve(case.changed(**{place: here + sign * step}), mechanism, fine).objective for sign in (1, -1)]
        difference = (profits[0] - profits[1]) / (2 * step)
        assert worth[name] == pytest.approx(difference, rel=2e-3, abs=2e-3), name


def test_one_sided_derivatives_and_choice_of_k_know_products() -> None:
    case = two()
    sides = vd.one_sided_derivatives(case, "products.pad.price", "icds", "closed_form")
    worth = vd.solve(case, "icds", "closed_form").sensitivity["products.pad.price"]
    assert sides == pytest.approx((worth, worth), rel=1e-3)
    table = vd.choose_k(case).table
    assert table["profit"].iloc[0] == near(vd.solve(case, "naive", "closed_form").objective)
    assert table["profit"].iloc[-1] == near(vd.solve(case, "icds", "closed_form").objective)
    frame = vd.compare(case)
    assert set(frame.index) >= {"naive", "frw", "icds", "bic", "first_best"}


def test_kept_models_take_other_numbers_of_products() -> None:
    many = vd.Repeated()
    changes: list[dict[str, Any]] = [
        {},
        {"products.phone.price": 40.0},
        {"products.pad.units.battery": 2.0},
        {"products.pad.demand.high": 400.0},
    ]
    for change in changes:
        case = two(**change)
        for mechanism in ("icds", "frw", "naive"):
            assert many.solve(case, mechanism, "highs").objective == near(vd.solve(case, mechanism, "highs").objective)


def test_a_kept_model_is_refused_what_a_new_one_is() -> None:
    many = vd.Repeated()
    joint = {"suppliers.panel.probabilities": None, "suppliers.battery.probabilities": None}
    fine, bad = ([[0.25, 0.25], [0.25, 0.25]], [[0.05, 0.45], [0.45, 0.05]])
    for way in ({}, {"balanced": True, "k": 2}):
        mechanism = "hybrid" if way else "icds_balanced"
        many.solve(two(prior={"joint": fine}, **joint), mechanism, "highs", **way)
        other = two(prior={"joint": bad[::-1]}, **joint)
        assert tied(other)
        with pytest.raises(InputError, match="monotone virtual cost of every product"):
            many.solve(other, mechanism, "highs", **way)


@pytest.mark.parametrize(
    "changes",
    [
        {"suppliers.battery.capacity": 700.0, "suppliers.battery.lot_size": 50.0},
        {"suppliers.battery.capacity": 700.0, "suppliers.battery.minimum_order": 500.0, "suppliers.battery.setup_cost": 90.0},
        {"suppliers.panel.reservation_profit": [300.0, 0.0]},
        {"ambiguity": {"radius": 0.1, "distance": "l1"}},
        {"ambiguity": {"radius": 0.5, "distance": "wasserstein"}},
    ],
)
def test_other_keys_beside_products(changes: dict[str, Any]) -> None:
    case = two(**changes)
    solution = vd.solve(case, "icds", "highs")
    audit = solution.audit
    assert audit is not None
    assert audit.truthful
    assert audit.individually_rational
    assert audit.expected_profit == near(solution.objective)
    assert solution.objective <= vd.solve(two(), "icds", "highs").objective * (1 + SOLVED)
    if case.suppliers[1].lot_size:
        np.testing.assert_allclose(solution.contracts.quantity[1] % 50.0, 0.0)
    with pytest.raises(InputError, match="for closed forms"):
        vd.solve(case, "icds", "closed_form")


def test_a_second_source_of_a_component_of_several_products() -> None:
    case = two()
    supplied = [supplier.model_dump(exclude_none=True, exclude={"reported"}) for supplier in case.suppliers]
    other = {"name": "other", "component": "panel", "costs": [3.0, 9.0], "probabilities": [0.5, 0.5]}
    both = case.changed(suppliers=[*supplied, other])
    alone, more = (vd.solve(one, "icds", "highs") for one in (case, both))
    assert more.objective > alone.objective * 1.001
    assert more.audit is not None
    assert more.audit.expected_profit == near(more.objective)
    assert more.audit.truthful


def test_a_menu_counts_what_is_best_assembled_of_its_quantities(tmp_path: Any) -> None:
    """Menus of somebody else say no plan: the same profit is found from quantities alone, also after a file."""
    solution = vd.solve(
        two(),
        "frw",
        "highs",
    )
    file = tmp_path / "menu.csv"
    solution.contracts.to_csv(file)
    assert vd.audit(two(), file).expected_profit == near(solution.objective)
    assert vd.audit(two(), solution.menu).expected_profit == near(solution.objective)
    assert solution.menu is not None
    assert ("assembled", "pad") in solution.menu.columns
    record = solution.to_dict()
    assert record["products"] == ["phone", "pad"]
    assert json.loads(json.dumps(record))["menu"][0]["assembled"] == solution.contracts.assembled[:, 0, 0].tolist()


def test_cases_are_saved_and_read(tmp_path: Any) -> None:
    case = two(products=[{**PHONE, "salvage": 1.0}, PAD])
    assert vd.load(case.save(tmp_path / "products.toml")) == case
    assert case.products is not None
    again = case.changed().products or ()
    assert hash(case.products[0].units) == hash(again[0].units)
    with pytest.raises(InputError, match="no assignment"):
        case.products[0].units["panel"] = 3.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"price": 30.0}, r"price: got 30\.0; allowed: no price beside \[\[products\]\]"),
        ({"salvage": 1.0}, r"salvage: got 1\.0; allowed: no salvage beside \[\[products\]\]"),
        ({"products": []}, r"products: got \[\]; allowed: one or more \[\[products\]\] tables"),
        ({"products": None}, r"price: missing required key: .*; or one or more \[\[products\]\] tables"),
        ({"products": [PHONE, PHONE, PAD]}, r"products\[1\]\.name: got 'phone'; allowed: a name that no other product has"),
        ({"products.phone.price": -1.0}, r"products\[0\]\.price: got -1\.0; allowed: a finite number > 0"),
        (
            {"products.phone.units": {"screen": 1}},
            r"products\[0\]\.units: got 'screen'; allowed: one of the components panel, bat",
        ),
        ({"products.phone.units": {"panel": -1}}, r"products\[0\]\.units\.panel: got -1; allowed: a finite number >= 0"),
        ({"products.phone.units": {"panel": True}}, r"products\[0\]\.units\.panel: got True; allowed: a finite number >= 0"),
        ({"products.phone.units": {"panel": 0}}, r"products\[0\]\.units: got .*; allowed: .* of one component or more"),
        ({"products.phone.units": 3}, r"products\[0\]\.units: got 3; allowed: a table with the units of each component"),
        (
            {"products.phone.salvage": 4.0},
            r"products\[0\]\.salvage: got 4\.0; allowed: a number below the least cost of a product",
        ),
        ({"suppliers.panel.units_per_product": 2.0}, r"suppliers\[0\]\.units_per_product: got 2\.0; allowed: nothing beside"),
        ({"suppliers.panel.yield": {"values": [0.9]}}, r"suppliers\[0\]\.yield: got <0\.9>; allowed: no yield beside"),
        ({"products": [{**PHONE, "units": {"panel": 1}}]}, r"products: got <no units>; allowed: units of battery in one product"),
        ({"products": [{"name": "phone"}]}, r"products\[0\]\.price: missing required key"),
    ],
)
def test_bad_products_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        two(**changes)


@pytest.mark.parametrize(
    ("mechanism", "solver", "changes", "message"),
    [
        ("frw", "closed_form", {}, r"products: got <phone, pad>; allowed: for the closed form of `frw` one product"),
        ("icds", "closed_form", {"suppliers.battery.capacity": 300.0}, r"suppliers\[1\]\.capacity: .* no capacity beside"),
        (
            "icds",
            "highs",
            {"suppliers.battery.minimum_order": 300.0},
            r"minimum_order: .* for several products beside a capacity",
        ),
        (
            "icds_balanced",
            "highs",
            {"suppliers.battery.minimum_order": 300.0, "suppliers.battery.capacity": 600.0},
            r"minimum_order: .* `icds_balanced` of several products no rule of orders",
        ),
    ],
)
def test_what_cannot_take_several_products_refuses(mechanism: str, solver: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        vd.solve(two(**changes), mechanism, solver)


@pytest.mark.parametrize("mechanism", ["naive", "frw", "hybrid", "icds_balanced", "icds", "first_best"])
def test_a_product_alone_that_needs_nothing_of_a_supplier_with_a_capacity(mechanism: str) -> None:
    """What he can deliver bounds none of them, nor do his lots and his minimum order; it is as if he were not there."""
    terms = {"suppliers.panel.capacity": 300.0, "suppliers.panel.reservation_profit": 20.0}
    watch = {"name": "watch", "price": 20.0, "demand": PHONE["demand"], "units": {"battery": 1}}
    case = vd.example("two-suppliers").changed(products=[PHONE, watch], **terms)
    alone = case.alone(1)
    battery = case.suppliers[1]._table()
    without = AssemblerCase.model_validate({"price": 20.0, "demand": PHONE["demand"], "suppliers": [battery]})
    wanted = vd.solve(without, mechanism, "closed_form")
    found = vd.solve(alone, mechanism, "closed_form")
    assert found.objective == near(wanted.objective)
    assert found.sensitivity["capacity panel"] == 0.0
    assert found.sensitivity["price"] == near(wanted.sensitivity["price"])
    ruled = alone.changed(
        **{"suppliers.panel.lot_size": 50.0, "suppliers.battery.lot_size": 20.0}, round_money=0.01, round_units=1
    )
    least = 20 * wanted.contracts.case.suppliers[0].costs[-1] + 0.03
    assert vd.solve(ruled, mechanism, "highs").objective >= wanted.objective - least


def test_continuous_costs_and_virtual_cost_refuse_products() -> None:
    with pytest.raises(InputError, match=r"products: .*where costs are continuous"):
        vd.example("continuous-pair").model_validate({**vd.example("continuous-pair").model_dump(), "products": [PHONE]})
    with pytest.raises(InputError, match=r"products: .*for the total cost and the virtual cost of a product one product"):
        vd.virtual_cost(two())
    pads = two().alone(1)
    assert vd.virtual_cost(pads)[0, 0] == near(2 * 3.0 + 3 * two().suppliers[1].costs[0])


def test_a_product_says_what_its_units_bring() -> None:
    phone = Product.model_validate({**PHONE, "salvage": 1.0, "shortage_penalty": 2.0, "assembly_cost": 3.0})
    sales = 100 + 400 * (1 - 400 / 1600)  # of 500 units: demand from 100 to 900
    assert float(phone.revenue(500.0)) == near(31.0 * sales - 3.0 * sales + (500 - sales) - 2.0 * (500 - sales))


def test_what_is_assembled_is_shown(run: Run, tmp_path: Any) -> None:
    file = two().save(tmp_path / "products.toml")
    status, out, err = run("solve", str(file), "--set", "products.phone.price=40", "--solver", "closed_form")
    assert (status, err) == (0, "")
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.startswith(("│ phone", "│ pad"))
    ]
    assert [row[:2] for row in rows] == [["phone", "40"], ["pad", "70"]]
    solution = vd.solve(two(**{"products.phone.price": 40.0}), "icds", "closed_form")
    assert [row[3] for row in rows] == [f"{units.max():,.2f}" for units in solution.contracts.assembled]
    labels = [axis.get_ylabel() for axis in contract_menu(solution).axes]
    assert labels == ["panel", "battery", "phone assembled", "pad assembled", "panel", "battery"]
