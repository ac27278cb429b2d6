"""HiGHS without a word on standard output, where JSON and tables go."""

import highspy

__all__ = ["Highs"]


class Highs(highspy.Highs):
    """HiGHS with its output off from the start: since 1.16 it prints a banner as soon as its callbacks are enabled."""

    def enableCallbacks(self) -> None:
        """Enable callbacks, as the constructor of the base class asks."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()
