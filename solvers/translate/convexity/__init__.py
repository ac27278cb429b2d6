"""Whether a standard form is a convex program, and why: only then is the optimum that a solver stops at the best there is."""

from veridical.solvers.translate.convexity.factorisation import ACCURACY, indefinite_block
from veridical.solvers.translate.convexity.proof import indefinite, shown

__all__ = ["ACCURACY", "indefinite", "indefinite_block", "shown"]
