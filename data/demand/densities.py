"""Demand with a density: uniform, normal, lognormal, gamma, Weibull and exponential."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

import numpy as np
import scipy
from pydantic import Field, model_validator

from veridical.data.arrays import Array, ArrayLike, normal_density
from veridical.data.demand.distribution import Demand
from veridical.data.fields import NonNegative, Positive
from veridical.data.record import wrong

__all__ = ["Continuous", "Exponential", "Gamma", "Lognormal", "Normal", "Uniform", "Weibull"]

SD = "standard deviation of demand itself, units, > 0"


class Continuous(Demand):
    """Demand with a density f = F'.

    Examples
    --------
    >>> Uniform(low=100, high=900).density([0, 500]).tolist()
    [0.0, 0.00125]
    """

    forms: ClassVar[tuple[str, ...]] = ("smooth", "tangent")

    @abstractmethod
    def density(self, q: ArrayLike) -> Array:
        """Return f(q): minus the second derivative of expected sales."""

    @abstractmethod
    def partial_expectation(self, q: ArrayLike) -> Array:
        """Return E[D; D <= q], units."""

    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] = E[D; D <= q] + q (1 - F(q))."""
        q = np.asarray(q, dtype=float)
        finite = np.where(np.isfinite(q), q, 0.0)
        sales = self.partial_expectation(finite) + finite * (1.0 - self.cdf(finite))
        return np.where(np.isfinite(q), sales, self.expectation)


class Uniform(Continuous):
    """Uniform on [low, high] units.

    Examples
    --------
    >>> demand = Uniform(low=100, high=900)
    >>> demand.expectation, float(demand.expected_sales(500))          # 500 - 400^2 / 1600
    (500.0, 400.0)
    """

    forms = ("quadratic", "smooth", "tangent")
    distribution: Literal["uniform"] = "uniform"
    low: NonNegative = Field(description="the least demand, units, >= 0")
    high: Positive = Field(description="the largest demand, units, above low")

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if not self.low < self.high:
            raise wrong(self.high, f"a finite number above low = {self.low}", field="high")
        return self

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return (self.low + self.high) / 2

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return np.clip((np.asarray(q, dtype=float) - self.low) / (self.high - self.low), 0.0, 1.0)

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        return self.low + np.asarray(u, dtype=float) * (self.high - self.low)

    def density(self, q: ArrayLike) -> Array:
        """f(q), 1 / (high - low) within the range."""
        q = np.asarray(q, dtype=float)
        return np.where((q >= self.low) & (q <= self.high), 1.0 / (self.high - self.low), 0.0)

    def partial_expectation(self, q: ArrayLike) -> Array:
        """E[D; D <= q]."""
        q = np.clip(q, self.low, self.high)
        return (q**2 - self.low**2) / (2 * (self.high - self.low))

    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] = q - (q - low)^2 / (2 (high - low)) between low and high."""
        q = np.minimum(q, self.high)
        return q - np.maximum(q - self.low, 0.0) ** 2 / (2 * (self.high - self.low))


class Normal(Continuous):
    """Normal, truncated to D >= 0: `mean` and `sd` are those of the normal before it is truncated.

    Its probability of negative demand, Phi(-mean / sd), is spread over D >= 0; no mass is put at zero. The expectation
    is then a little above `mean`: by sd phi(mean / sd) / Phi(mean / sd).

    Examples
    --------
    >>> demand = Normal(mean=500, sd=100)
    >>> round(demand.expectation, 3), round(float(demand.expected_sales(500)), 2)      # 500 - 100 / sqrt(2 pi)
    (500.0, 460.11)
    """

    distribution: Literal["normal"] = "normal"
    mean: Positive = Field(description="mean before demand is truncated at 0, units, > 0")
    sd: Positive = Field(description="standard deviation before demand is truncated at 0, units, > 0")

    @property
    def _kept(self) -> float:
        return float(scipy.special.ndtr(self.mean / self.sd))

    def _score(self, q: ArrayLike) -> Array:
        return (np.maximum(q, 0.0) - self.mean) / self.sd

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return float(self.mean + self.sd * normal_density(np.float64(self.mean / self.sd)) / self._kept)

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return 1.0 - scipy.special.ndtr(-self._score(q)) / self._kept

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        return np.maximum(self.mean - self.sd * scipy.special.ndtri((1.0 - np.asarray(u, dtype=float)) * self._kept), 0.0)

    def density(self, q: ArrayLike) -> Array:
        """f(q)."""
        return np.where(np.asarray(q) >= 0, normal_density(self._score(q)) / (self.sd * self._kept), 0.0)

    def partial_expectation(self, q: ArrayLike) -> Array:
        """E[D; D <= q]."""
        start = normal_density(np.float64(self.mean / self.sd))
        return self.mean * self.cdf(q) - self.sd * (normal_density(self._score(q)) - start) / self._kept


class MeanDemand(Continuous):
    """The common part of distributions that are given by their mean, units."""

    mean: Positive = Field(description="mean of demand itself, units, > 0")

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return self.mean


class Lognormal(MeanDemand):
    """Lognormal with the given mean and standard deviation of D itself, units.

    Examples
    --------
    >>> demand = Lognormal(mean=500, sd=100)
    >>> demand.expectation, round(float(demand.cdf(500)), 4)           # the median is below the mean
    (500.0, 0.5394)
    """

    distribution: Literal["lognormal"] = "lognormal"
    sd: Positive = Field(description=SD)

    @property
    def sigma(self) -> float:
        """Standard deviation of log D."""
        return float(np.sqrt(np.log1p((self.sd / self.mean) ** 2)))

    @property
    def mu(self) -> float:
        """Mean of log D."""
        return float(np.log(self.mean) - self.sigma**2 / 2)

    def _score(self, q: ArrayLike) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray((np.log(np.maximum(q, 0.0)) - self.mu) / self.sigma)

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return np.asarray(scipy.special.ndtr(self._score(q)))

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        return np.exp(self.mu + self.sigma * scipy.special.ndtri(np.asarray(u, dtype=float)))

    def density(self, q: ArrayLike) -> Array:
        """f(q)."""
        q = np.asarray(q, dtype=float)
        positive = np.where(q > 0, q, 1.0)
        return np.where(q > 0, normal_density(self._score(positive)) / (self.sigma * positive), 0.0)

    def partial_expectation(self, q: ArrayLike) -> Array:
        """E[D; D <= q]."""
        return self.mean * scipy.special.ndtr(self._score(q) - self.sigma)


class Gamma(MeanDemand):
    """Gamma with the given mean and standard deviation, units.

    Examples
    --------
    >>> demand = Gamma(mean=500, sd=250)
    >>> demand.shape, demand.scale
    (4.0, 125.0)
    """

    distribution: Literal["gamma"] = "gamma"
    sd: Positive = Field(description=SD)

    @property
    def shape(self) -> float:
        """Shape parameter, (mean / sd)^2."""
        return (self.mean / self.sd) ** 2

    @property
    def scale(self) -> float:
        """Scale parameter, sd^2 / mean."""
        return self.sd**2 / self.mean

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return np.asarray(scipy.special.gammainc(self.shape, np.maximum(q, 0.0) / self.scale))

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        return np.asarray(self.scale * scipy.special.gammaincinv(self.shape, np.asarray(u, dtype=float)), dtype=float)

    def density(self, q: ArrayLike) -> Array:
        """f(q); infinite at 0 where sd > mean."""
        z = np.maximum(q, 0.0) / self.scale
        with np.errstate(divide="ignore"):
            logarithm = scipy.special.xlogy(self.shape - 1, z) - z - scipy.special.gammaln(self.shape)
        return np.where(np.asarray(q) >= 0, np.exp(logarithm) / self.scale, 0.0)

    def partial_expectation(self, q: ArrayLike) -> Array:
        """E[D; D <= q]."""
        return np.asarray(self.mean * scipy.special.gammainc(self.shape + 1, np.maximum(q, 0.0) / self.scale), dtype=float)


class Weibull(Continuous):
    """Weibull with the given shape and scale (units): F(q) = 1 - exp(-(q / scale)^shape).

    Examples
    --------
    >>> demand = Weibull(shape=1, scale=500)                           # shape 1 is the exponential
    >>> round(demand.expectation, 6), round(float(demand.cdf(500)), 4)
    (500.0, 0.6321)
    """

    distribution: Literal["weibull"] = "weibull"
    shape: Positive = Field(description="shape of the distribution, as in scipy, > 0")
    scale: Positive = Field(description="scale of the distribution, as in scipy, units, > 0")

    @property
    def expectation(self) -> float:
        """E[D], units."""
        return float(self.scale * scipy.special.gamma(1 + 1 / self.shape))

    def _power(self, q: ArrayLike) -> Array:
        return np.asarray((np.maximum(q, 0.0) / self.scale) ** self.shape)

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return -np.expm1(-self._power(q))

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        with np.errstate(divide="ignore"):
            return np.asarray(self.scale * (-np.log1p(-np.asarray(u, dtype=float))) ** (1 / self.shape))

    def density(self, q: ArrayLike) -> Array:
        """f(q); infinite at 0 where shape < 1."""
        z = np.maximum(q, 0.0) / self.scale
        with np.errstate(divide="ignore"):
            density = self.shape / self.scale * z ** (self.shape - 1) * np.exp(-self._power(q))
        return np.where(np.asarray(q) >= 0, density, 0.0)

    def partial_expectation(self, q: ArrayLike) -> Array:
        """E[D; D <= q]."""
        return np.asarray(self.expectation * scipy.special.gammainc(1 + 1 / self.shape, self._power(q)), dtype=float)


class Exponential(MeanDemand):
    """Exponential with the given mean, units.

    Examples
    --------
    >>> demand = Exponential(mean=500)
    >>> round(float(demand.expected_sales(500)), 2)                    # 500 (1 - 1/e)
    316.06
    """

    distribution: Literal["exponential"] = "exponential"

    def cdf(self, q: ArrayLike) -> Array:
        """F(q)."""
        return -np.expm1(-np.maximum(q, 0.0) / self.mean)

    def inverse_cdf(self, u: ArrayLike) -> Array:
        """Least q with F(q) >= u."""
        with np.errstate(divide="ignore"):
            return np.asarray(-self.mean * np.log1p(-np.asarray(u, dtype=float)))

    def density(self, q: ArrayLike) -> Array:
        """f(q)."""
        q = np.asarray(q, dtype=float)
        return np.where(q >= 0, np.exp(-np.maximum(q, 0.0) / self.mean) / self.mean, 0.0)

    def partial_expectation(self, q: ArrayLike) -> Array:
        """E[D; D <= q]."""
        z = np.maximum(q, 0.0) / self.mean
        return self.mean * (-np.expm1(-z) - z * np.exp(-z))

    def expected_sales(self, q: ArrayLike) -> Array:
        """E[min(D, q)] = mean * F(q)."""
        return self.mean * self.cdf(q)
