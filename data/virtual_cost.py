"""Virtual cost: unit cost plus the information rent that one more unit leaves to cheaper types. Eq. (13), any m_i.

And the condition on it that decides whether balanced ordering is optimal, (18).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veridical.data.arrays import Array, accumulated
from veridical.data.assembler import AssemblerCase, label
from veridical.data.errors import InputError

__all__ = ["ROUNDING", "Monotonicity", "correlation", "monotonicity", "needed_suppliers", "refuse_tied_products"]
__all__ += ["running_maximum", "virtual_cost", "weighted_virtual_cost"]

# Virtual values that fall by no more than this count as monotone, relative to the price or to the highest marginal revenue (of
# quantities: to themselves). They are sums and differences of a few hundred doubles, whose rounding stays well below it, and
# pooling types for less than that would change no quantity that is printed.
ROUNDING = 1e-12


def weighted_virtual_cost(case: AssemblerCase) -> Array:
    """Return beta(t) v(t), one entry a profile: finite also where beta(t) = 0, unlike v(t) itself.

    `beta(t) c(t) + sum_i (c_i[t_i] - c_i[t_i - 1]) * sum_{s < t_i} beta(s, t_-i)`, where c_i is what i's part of a product costs.
    Source: assembler paper, eq. (13).

    Parameters
    ----------
    case : AssemblerCase
        With finitely many costs a supplier.

    Returns
    -------
    ndarray
        Currency per unit, of the shape `case.shape`.

    Examples
    --------
    >>> import veridical as vd
    >>> weighted_virtual_cost(vd.example("two-suppliers")).shape
    (2, 2)
    """
    beta = case.probability
    weighted = beta * case.total_cost
    for i in range(len(case.shape)):
        steps = np.diff(case.product_costs(i), axis=i)
        before = (slice(None),) * i
        weighted[(*before, slice(1, None))] += steps * accumulated(np.add, beta[(*before, slice(None, -1))], axis=i)
    return weighted


def virtual_cost(case: AssemblerCase) -> Array:
    """Return v(t): infinite where beta(t) = 0 but cheaper types have weight, nan where they have none either. Eq. (13).

    Parameters
    ----------
    case : AssemblerCase
        With finitely many costs a supplier.

    Returns
    -------
    ndarray
        Currency per unit, of the shape `case.shape`.

    Examples
    --------
    >>> import veridical as vd
    >>> float(virtual_cost(vd.example("two-suppliers"))[0, 0])  # nobody is cheaper, so there is no rent: 3 + 1
    4.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return weighted_virtual_cost(case) / case.probability


@dataclass(frozen=True)
class Monotonicity:
    """Whether virtual cost never falls when a supplier's cost rises, (18), and where it falls most if it does.

    `fall` is in currency per unit: how much less virtual cost is where `supplier` has `next_cost` than where he has `cost`,
    the others having `others`; infinite where the cheaper profile never occurs, but still cheaper types of somebody do.

    Examples
    --------
    >>> import veridical as vd
    >>> condition = vd.monotonicity(vd.example("two-suppliers-correlated"))
    >>> condition.holds, condition.fall, condition.supplier
    (False, 40.0, 'battery')
    """

    holds: bool
    independent: bool
    fall: float = 0.0
    supplier: str | None = None
    cost: float | None = None
    next_cost: float | None = None
    others: str | None = None

    @property
    def balanced_is_optimal(self) -> bool:
        """Whether balanced ordering is known to be optimal: (18), or independent costs. Elsewhere it may or may not be.

        With independent costs, pooling each supplier's own virtual cost proves it for any number of costs; two costs a
        supplier then always meet (18) (Corollary 1 of the assembler paper), three need not.
        """
        return self.holds or self.independent

    def __str__(self) -> str:
        if self.holds:
            return "virtual cost never falls when a cost rises"
        rise = f"when the cost of {self.supplier} rises from {label(self.cost or 0)} to {label(self.next_cost or 0)}"
        return f"virtual cost falls by {self.fall:.4g} {rise}" + (f" while the others have {self.others}" if self.others else "")


def monotonicity(case: AssemblerCase) -> Monotonicity:
    """Return whether condition (18) holds, and the worst neighbouring pair of costs if not.

    Profiles of weight 0 may take any value. Source: assembler paper, condition (18).

    Parameters
    ----------
    case : AssemblerCase
        With finitely many costs a supplier.

    Returns
    -------
    Monotonicity
        With the pair of neighbouring costs between which virtual cost falls most.

    Examples
    --------
    >>> import veridical as vd
    >>> print(monotonicity(vd.example("two-suppliers")))
    virtual cost never falls when a cost rises
    """
    cost = virtual_cost(case)
    cost = np.where(np.isnan(cost), -np.inf, cost)
    highest = running_maximum(cost, needed_suppliers(case))
    if ((cost >= highest - ROUNDING * case.price) | (cost == -np.inf)).all():
        return Monotonicity(True, case.independent)
    worst = Monotonicity(False, case.independent)
    for before in (cost, highest):  # with weights of 0 in between, no two neighbours need differ
        for i in needed_suppliers(case):
            supplier = case.suppliers[i]
            cheaper = np.moveaxis(before, i, 0)[:-1]
            dearer = np.moveaxis(np.where(cost == -np.inf, np.inf, cost), i, 0)[1:]
            fall = np.subtract(cheaper, dearer, out=np.zeros(cheaper.shape), where=dearer < cheaper)
            if fall.size and fall.max() > worst.fall:
                place = np.unravel_index(int(fall.argmax()), fall.shape)
                rest = [j for j in range(len(case.shape)) if j != i]
                others = ", ".join(case.tokens(j)[p] for j, p in zip(rest, place[1:], strict=True))
                pair = supplier.costs[int(place[0])], supplier.costs[int(place[0]) + 1]
                worst = Monotonicity(False, case.independent, float(fall.max()), supplier.name, *pair, others)
        if worst.fall > 0:
            break
    return worst


def refuse_tied_products(case: AssemblerCase, purpose: str) -> None:
    """Raise InputError for several products whose balanced optimum is not known to be that of the products by themselves.

    It is where costs are independent (each supplier sells no more at a higher virtual cost of his own, whatever is made of it),
    and without capacities where virtual cost of every product is monotone. Elsewhere truth ties products together, and she
    would rather leave components over than assemble all that a balanced menu buys. `purpose`: what takes no such case, in words.
    """
    if case.products is None or len(case.products) == 1 or case.independent:
        return
    for i, supplier in enumerate(case.suppliers):
        if supplier.capacity is not None:
            allowed = f"for {purpose} of several products with correlated costs no capacity: mechanism icds (solver highs)"
            raise InputError.of(f"suppliers[{i}].capacity", supplier.capacity, allowed, case.name)
    for p, product in enumerate(case.products):
        if not (condition := monotonicity(case.alone(p))).holds:
            allowed = (
                f"for {purpose} of several products independent costs, or monotone virtual cost of every product, (18). "
                f"Of {product.name}, {condition}: mechanism icds takes the case (solver highs)"
            )
            raise InputError.of("products", f"<{', '.join(one.name for one in case.products)}>", allowed, case.name)


def correlation(case: AssemblerCase) -> float:
    """Return the correlation of two suppliers' costs under the prior, from -1 to 1; NaN where a cost does not vary.

    With two costs each it depends on the prior alone: (b(ll) b(hh) - b(lh) b(hl)) / sqrt(p1(l) p1(h) p2(l) p2(h)), and (18)
    holds wherever it is not positive. Source: assembler paper, section 2.3.2 and Appendix A.

    Parameters
    ----------
    case : AssemblerCase
        With finitely many costs a supplier.

    Returns
    -------
    float
        The correlation.

    Raises
    ------
    InputError
        For another number of suppliers than two.

    Examples
    --------
    >>> import veridical as vd
    >>> round(correlation(vd.example("two-suppliers-correlated")), 12)
    0.8
    """
    if len(case.shape) != 2:
        allowed = "two suppliers: correlation is measured between two"
        raise InputError.of("suppliers", f"<{len(case.shape)} suppliers>", allowed, case.name)
    centred = [case.costs(i) - float((case.probability * case.costs(i)).sum()) for i in range(2)]
    variances = [float((case.probability * costs**2).sum()) for costs in centred]
    covariance = float((case.probability * centred[0] * centred[1]).sum())
    varies = all(np.count_nonzero(marginal) > 1 for marginal in case.marginals)  # a variance of 0 may come out as its rounding
    return covariance / float(np.sqrt(variances[0] * variances[1])) if varies else float("nan")


def needed_suppliers(case: AssemblerCase) -> list[int]:
    """Return the positions of the suppliers of whom a product needs anything."""
    return [i for i, supplier in enumerate(case.suppliers) if supplier.units_per_product > 0]


def running_maximum(values: Array, axes: Sequence[int]) -> Array:
    """Return at each profile the largest value at any profile with no higher cost, of the suppliers along these axes."""
    for axis in axes:
        values = accumulated(np.maximum, values, axis)
    return values
