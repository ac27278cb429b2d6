"""Families of constraints that were declared as arrays, as rows: what a splitter would make of each, for all of them at once."""

from __future__ import annotations

from itertools import repeat
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray
from pyomo.core.base.var import VarData

from veridical.data.arrays import Array
from veridical.models.linear_families import Family, Term, values_of
from veridical.solvers.translate.numbers import UndefinedError, number
from veridical.solvers.translate.terms import Splitter

__all__ = ["rows_of"]

FIXED = attrgetter("_fixed")  # which `fixed` asks for, at four times the time


def rows_of(splitter: Splitter, family: Family) -> tuple[NDArray[np.int64], Array] | None:
    """Return columns and coefficients, a row a constraint and a column a term.

    None where variables are fixed, where lists of members share some, and where a Param has no value.
    """
    terms = list(family.terms)
    try:
        factors = [_factors(term, sign, splitter) for term, sign in terms]
    except UndefinedError:
        return None
    columns = _columns([term for term, _ in terms], splitter)
    return None if columns is None else (columns, np.array(factors).T)


def _factors(term: Term, sign: float, splitter: Splitter) -> Array:
    factor = np.full(len(term.places), sign * term.factor)
    return factor if term.numbers is None else factor * values_of(term.numbers, lambda param: number(param, splitter.known))


def _columns(terms: list[Term], splitter: Splitter) -> NDArray[np.int64] | None:
    """Return the columns of the terms' variables, which are given in the order of the rows."""
    starts: dict[int, int] = {}  # by id of a list of members: where they are numbered from
    every: list[VarData] = []
    numbers = []
    for term in terms:
        if id(term.variables) not in starts:
            starts[id(term.variables)] = len(every)
            every += term.variables
        numbers.append(starts[id(term.variables)] + term.places)
    ids = list(map(id, every))
    if len(set(ids)) < len(ids) or any(map(FIXED, every)):
        return None
    flat = np.array(numbers, dtype=np.int64).T.ravel()
    columns = np.array(list(map(splitter.columns.get, ids, repeat(-1))), dtype=np.int64)
    first = np.full(len(every), len(flat))  # where each is met first
    first[flat[::-1]] = np.arange(len(flat))[::-1]
    new = np.flatnonzero((columns < 0) & (first < len(flat)))
    new = new[np.argsort(first[new])]
    columns[new] = len(splitter.variables) + np.arange(len(new))
    splitter.variables += [every[k] for k in new.tolist()]
    splitter.columns.update(zip((ids[k] for k in new.tolist()), columns[new].tolist(), strict=True))
    result: NDArray[np.int64] = columns[flat].reshape(-1, len(terms))
    return result
