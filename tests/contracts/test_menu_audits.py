"""Audits of menus are what four loops find."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import veridical as vd
from support.assembler_cases import random_cases
from support.strategies import examples
from veridical.contracts import Menu
from veridical.data import InputError


@given(data=st.data(), balanced=st.booleans())
@examples(150)
def test_audits_are_what_four_loops_find(data: st.DataObject, balanced: bool) -> None:
    case = data.draw(random_cases("empirical", joint=True, least=0))
    n, profiles = len(case.shape), list(np.ndindex(*case.shape))
    count = n * len(profiles)
    drawn = [data.draw(st.lists(st.integers(0, most), min_size=count, max_size=count)) for most in (4, 30)]
    quantity = 10.0 * np.reshape(drawn[0], (n, *case.shape))
    payment = 10.0 * np.reshape(drawn[1], (n, *case.shape)) - 40
    if balanced:
        quantity[:] = quantity[0]
    audit = vd.audit(case, Menu(case, quantity, payment))

    regret, rent, best, profit, even = 0.0, math.inf, dict.fromkeys(case.names, 0.0), 0.0, True
    for t in profiles:
        units = min(quantity[(i, *t)] for i in range(n))
        even = even and all(quantity[(i, *t)] == units for i in range(n))
        sales = sum(p * min(d, units) for d, p in zip(case.demand.values, case.demand.weights, strict=True))  # type: ignore[attr-defined]
        profit += case.probability[t] * (case.price * sales - sum(payment[(i, *t)] for i in range(n)))
        for i, supplier in enumerate(case.suppliers):
            cost = supplier.costs[t[i]]
            truth = payment[(i, *t)] - cost * quantity[(i, *t)]
            rent = min(rent, truth)
            for report in range(case.shape[i]):
                lie = (i, *t[:i], report, *t[i + 1 :])
                gain = payment[lie] - cost * quantity[lie] - truth
                best[supplier.name] = max(best[supplier.name], gain)
                regret = max(regret, gain)
    assert audit.max_regret == pytest.approx(regret, abs=1e-9)
    assert audit.min_rent == pytest.approx(rent, abs=1e-9)
    assert audit.balanced is even
    assert audit.expected_profit == pytest.approx(profit, abs=1e-6)
    assert audit.largest_payment == np.abs(payment).max()
    largest = max(float(np.abs(payment).max()), 1.0)
    assert audit.truthful == (regret <= 1e-6 * largest)
    assert audit.individually_rational == (rent >= -1e-6 * largest)

    # a witness each for those who gain, the largest first; and what a witness says is so
    assert sorted(lie.supplier for lie in audit.misreports) == sorted(name for name, gain in best.items() if gain > 0)
    assert [lie.gain for lie in audit.misreports] == sorted((lie.gain for lie in audit.misreports), reverse=True)
    for witness in audit.misreports:
        i = case.names.index(witness.supplier)
        costs = case.suppliers[i].costs
        rest = [case.tokens(j) for j in range(n) if j != i]
        others = next(
            p for p in np.ndindex(*map(len, rest)) if ", ".join(r[k] for r, k in zip(rest, p, strict=True)) == witness.others
        )
        here, there = ((i, *others[:i], costs.index(c), *others[i:]) for c in (witness.cost, witness.report))
        gain = (payment[there] - payment[here]) - witness.cost * (quantity[there] - quantity[here])
        assert witness.gain == pytest.approx(gain, abs=1e-9)
        assert witness.gain == pytest.approx(best[witness.supplier], abs=1e-9)


@pytest.mark.parametrize("name", ["two-suppliers-correlated", "two-retailers"])
def test_what_pandas_writes_of_a_menu_is_audited_as_what_veridical_writes(name: str, tmp_path: Path) -> None:
    """The frame has a header of three lines; in the other file it is one."""
    solution = vd.solve(vd.example(name))
    solution.menu.to_csv(tmp_path / "frame.csv")
    solution.contracts.to_csv(tmp_path / "menu.csv")
    assert (tmp_path / "frame.csv").read_text() != (tmp_path / "menu.csv").read_text()
    by_pandas, by_veridical = (vd.audit(vd.example(name), tmp_path / file) for file in ("frame.csv", "menu.csv"))
    assert by_pandas.to_dict() == by_veridical.to_dict()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("9.0,7.0", "9.0,x", "row 7, column battery: got 'x'; allowed: a finite number"),
        ("panel,battery,,", "panel,radio,,", "header: got <a header without panel, battery,"),
        ("payment,payment", "payment,bonus", "header: got <a header without payment battery>"),
    ],
)
def test_a_header_of_several_lines_that_is_not_the_menus_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    case = vd.example("two-suppliers-correlated")
    vd.solve(case).menu.to_csv(tmp_path / "frame.csv")
    written = (tmp_path / "frame.csv").read_text()
    assert written.count(old) == 1
    (tmp_path / "frame.csv").write_text(written.replace(old, new))
    with pytest.raises(InputError) as refused:
        vd.audit(case, tmp_path / "frame.csv")
    assert str(refused.value).startswith(f"frame.csv: {message}")
