"""HiGHS without a word on standard output, where JSON and tables go; a linear program as it takes it."""

from typing import Any

import highspy

__all__ = ["Highs", "linear_program"]


class Highs(highspy.Highs):
    """HiGHS with its output off from the start: since 1.16 it prints a banner as soon as its callbacks are enabled."""

    def enableCallbacks(self) -> None:
        """Enable callbacks, as the constructor of the base class asks."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()


def linear_program(cost: Any, low: Any, high: Any, row_low: Any, row_high: Any, matrix: Any) -> highspy.HighsLp:
    """Return min cost @ x subject to low <= x <= high, row_low <= matrix @ x <= row_high; `matrix` by rows."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_, lp.row_lower_, lp.row_upper_ = cost, low, high, row_low, row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    return lp
