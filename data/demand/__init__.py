"""Demand D >= 0 in units of product.

To add a distribution, write a subclass of `Demand` (or of `Continuous` or `Discrete`, which know more already) whose field
`distribution` has a name as its default, and register it; case files may then use that name. `forms` says in which ways its
expected sales can be written into a model, the best first.

    @register_demand
    class Triangular(Continuous):
        distribution: Literal["triangular"] = "triangular"
        low: NonNegative
        ...

An installed package can name the class as an entry point of the group `veridical.demands` instead.
"""

from veridical.data.demand.densities import Continuous, Exponential, Gamma, Lognormal, Normal, Uniform, Weibull
from veridical.data.demand.discrete import Discrete, Empirical, Sample
from veridical.data.demand.distribution import DEMANDS, AnyDemand, Demand, register_demand

__all__ = ["DEMANDS", "AnyDemand", "Continuous", "Demand", "Discrete", "register_demand"]
__all__ += ["Empirical", "Exponential", "Gamma", "Lognormal", "Normal", "Sample", "Uniform", "Weibull"]

for built_in in (Uniform, Normal, Lognormal, Gamma, Weibull, Exponential, Empirical, Sample):
    register_demand(built_in)
