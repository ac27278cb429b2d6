"""Families of constraints that were declared as arrays, as rows: what a splitter would make of each, for all of them at once."""

from __future__ import annotations

import operator
from itertools import repeat
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray
from pyomo.core.base.var import VarData

from veridical.data.arrays import Array
from veridical.models.linear_families import Family, Term, values_of
from veridical.solvers.translate.numbers import UndefinedError, number
from veridical.solvers.translate.terms import Splitter

__all__ = ["Members", "rows_of"]

FIXED = attrgetter("_fixed")  # which `fixed` asks for, at four times the time


def rows_of(splitter: Splitter, members: Members, family: Family) -> tuple[NDArray[np.int64], Array] | None:
    """Return columns and coefficients, a row a constraint and a column a term.

    None where variables are fixed, where lists of members share some, and where a Param has no value.
    """
    terms = list(family.terms)
    try:
        factors = [_factors(term, sign, splitter) for term, sign in terms]
    except UndefinedError:
        return None
    columns = members.columns_of([term for term, _ in terms])
    return None if columns is None else (columns, np.array(factors).T)


def _factors(term: Term, sign: float, splitter: Splitter) -> Array:
    factor = np.full(len(term.places), sign * term.factor)
    return factor if term.numbers is None else factor * values_of(term.numbers, lambda param: number(param, splitter.known))


class Members:
    """The columns of lists of variables that families are made of: each is looked up once, however many families have it."""

    def __init__(self, splitter: Splitter) -> None:
        self.splitter = splitter
        self._lists: dict[int, list[_Listed]] = {}  # by id of their first member

    def columns_of(self, terms: list[Term]) -> NDArray[np.int64] | None:
        """Return the columns of the terms' variables, a column a term; new ones are given in the order of the rows.

        None where variables are fixed, and where one that is new stands in several lists.
        """
        splitter, first = self.splitter, 0
        found: dict[int, tuple[int, _Listed]] = {}  # by id of a list of members: where they are numbered from
        numbers = []
        for term in terms:
            listed = self._listed(term.variables)
            if listed.fixed:
                return None
            if id(listed) not in found:
                found[id(listed)] = first, listed
                first += len(listed.variables)
            numbers.append(found[id(listed)][0] + term.places)
        columns = np.concatenate([listed.columns for _, listed in found.values()])
        flat = np.array(numbers, dtype=np.int64).T.ravel()
        result: NDArray[np.int64] = columns[flat]
        if (result < 0).any():
            missing = flat[result < 0]
            met = np.full(len(columns), -1)  # where each is met first
            met[missing[::-1]] = np.arange(len(missing))[::-1]
            new = np.flatnonzero(met >= 0)
            new = new[np.argsort(met[new])]
            every = [variable for _, listed in found.values() for variable in listed.variables]
            variables = list(map(every.__getitem__, new.tolist()))
            ids = list(map(id, variables))
            if len(set(ids)) < len(ids):
                return None
            columns[new] = len(splitter.variables) + np.arange(len(new))
            splitter.variables += variables
            splitter.columns.update(zip(ids, columns[new].tolist(), strict=True))
            for start, listed in found.values():
                listed.columns = columns[start : start + len(listed.variables)]
            result = columns[flat]
        return result.reshape(-1, len(terms))

    def _listed(self, variables: list[VarData]) -> _Listed:
        """Return what is known of a list of variables: of this one, or of another one with the same variables."""
        alike = self._lists.setdefault(id(variables[0]) if variables else 0, [])
        for one in alike:
            same = one.variables is variables or (
                len(one.variables) == len(variables) and all(map(operator.is_, one.variables, variables))
            )
            if same:
                one.look_up(self.splitter.columns)
                return one
        alike.append(_Listed(variables, self.splitter.columns))
        return alike[-1]


class _Listed:
    """A list of variables, whether any is fixed, and their columns, -1 for those that have none."""

    def __init__(self, variables: list[VarData], columns: dict[int, int]) -> None:
        self.variables = variables
        self.fixed = any(map(FIXED, variables))
        self._seen = len(columns)
        ids = list(map(id, variables))
        if columns.keys().isdisjoint(ids):
            self.columns = np.full(len(ids), -1)
        else:
            self.columns = np.array(list(map(columns.get, ids, repeat(-1))), dtype=np.int64)

    def look_up(self, columns: dict[int, int]) -> None:
        """Look up the columns of those that had none, where more variables have columns by now."""
        if self._seen == len(columns):
            return
        self._seen = len(columns)
        missing = np.flatnonzero(self.columns < 0)
        if len(missing):
            self.columns = self.columns.copy()
            self.columns[missing] = [columns.get(id(self.variables[k]), -1) for k in missing.tolist()]
