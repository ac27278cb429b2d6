"""The options that HiGHS is run with: ours, those of a way to solve a program, and the user's, which come last."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import highspy

from veridical.solvers.configuration import THREADS, Configuration
from veridical.solvers.engines.quiet import Highs
from veridical.solvers.translate.standard_form import StandardForm

__all__ = ["SMALL", "TINY", "TRACES", "set_options"]

TINY = 1e-12  # a coefficient that HiGHS can be made to keep
DEFAULTS: Mapping[str, Any] = {
    "output_flag": False,
    "small_matrix_value": TINY,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    "qp_regularization_value": 1e-12,  # the default, 1e-7, leaves gradients wrong by 1e-7 times the quantity
}
SMALL = 100  # variables up to which a QP goes to the active set first
# Integers may be off by this much, which a coefficient can make much of: 1e7 y is 3 at y = 3e-7. HiGHS takes no less.
TRACES = (1e-6, 1e-10)


def set_options(highs: Highs, form: StandardForm, configuration: Configuration, way: Mapping[str, Any]) -> dict[str, Any]:
    """Set the options for a form, and return those in effect, read back from the solver.

    Raises InputError for an option of the user's that HiGHS does not have, or a value that it does not take.
    """
    wanted = {**DEFAULTS, **way}
    if form.hessian is not None:  # its QP solver can cycle where the optimum is not bounded, and has no limit of its own
        per = 50 if len(form.variables) <= SMALL else 2  # the last of several ways must not take longer than the others
        wanted["qp_iteration_limit"] = 1_000 + per * (len(form.variables) + len(form.constraints))
    if form.integer.any():
        wanted |= {"mip_rel_gap": configuration.tolerance, "mip_abs_gap": 1e-9, "mip_feasibility_tolerance": TRACES[0]}
    if configuration.threads is not None:
        wanted["threads"] = configuration.threads
    known = [name for name in dir(highspy.HighsOptions()) if not name.startswith("_")] if configuration.options else []
    for name, value in configuration.options.items():
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, 3, 0.4)) or "see the list of HiGHS options"
            raise configuration.error_for(f"options.{name}", value, f"an option of HiGHS; near it: {near}")
        wanted[name] = value
    if isinstance(threads := wanted.get("threads"), int) and threads > THREADS:
        raise configuration.error_for("options.threads", threads, f"a whole number from 0 to {THREADS:,}")
    for name, value in wanted.items():
        try:
            taken = highs.setOptionValue(name, value) == highspy.HighsStatus.kOk
        except (TypeError, OverflowError):  # a list, a whole number of hundreds of digits
            taken = False
        if not taken:
            kind = type(highs.getOptionValue(name)[1]).__name__
            raise configuration.error_for(f"options.{name}", value, f"a value that HiGHS takes for this option ({kind})")
    return {name: highs.getOptionValue(name)[1] for name in wanted}
