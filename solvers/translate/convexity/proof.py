"""Convexity of a whole standard form."""

from __future__ import annotations

from veridical.data.arrays import Integers
from veridical.solvers.translate.convexity.factorisation import indefinite_block
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["indefinite", "shown"]


def shown(form: StandardForm) -> str | None:
    """Return why the minimisation in a standard form is convex, or None where it is not shown."""
    if form.nonlinear is not None:
        return None
    if form.hessian is None:
        return "linear"
    return None if indefinite(form) is not None else "a quadratic objective, positive semidefinite by factorisation"


def indefinite(form: StandardForm) -> Integers | None:
    """Return the columns of variables in which the quadratic objective of a form is not convex; None where it is."""
    return None if form.hessian is None else indefinite_block(form.hessian)
