"""Demand D >= 0 in units of product.

To add a distribution, write a class in `continuous` or `discrete`: a subclass with a `distribution` name is found by case
files by itself. `forms` says in which ways its expected sales can be written into a model, the best first.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag

from veridical.data.demand.densities import Continuous, Exponential, Gamma, Lognormal, Normal, Uniform, Weibull
from veridical.data.demand.discrete import Discrete, Empirical, Sample
from veridical.data.demand.distribution import Demand
from veridical.data.fields import wrong

__all__ = [
    "AnyDemand",
    "Continuous",
    "Demand",
    "Discrete",
    "Empirical",
    "Exponential",
    "Gamma",
    "Lognormal",
    "Normal",
    "Sample",
    "Uniform",
    "Weibull",
]


def _leaves(cls: Any) -> list[Any]:
    below = cls.__subclasses__()
    return [cls] if not below else [leaf for sub in below for leaf in _leaves(sub)]


NAMES = tuple(str(leaf.model_fields["distribution"].default) for leaf in _leaves(Demand))


def _known(raw: Any) -> Any:
    allowed = f"one of {', '.join(NAMES)}"
    if isinstance(raw, Demand):
        return raw
    if not isinstance(raw, dict):
        raise wrong(raw, f"a table with the key distribution, {allowed}")
    if raw.get("distribution") not in NAMES:
        raise wrong(raw.get("distribution", "<nothing>"), allowed, "distribution")
    return raw


def _tag(raw: Any) -> str:
    return str(raw.distribution if isinstance(raw, Demand) else raw["distribution"])


if TYPE_CHECKING:
    AnyDemand = Demand
else:
    _tagged = (Annotated[leaf, Tag(name)] for leaf, name in zip(_leaves(Demand), NAMES, strict=True))
    AnyDemand = Annotated[reduce(or_, _tagged), Discriminator(_tag), BeforeValidator(_known)]
