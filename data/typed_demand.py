"""A newsvendor's demand whose place or scale is his private type: normal, uniform, exponential and gamma."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
import scipy
from pydantic import Field, SerializeAsAny

from veridical.data.arrays import Array, ArrayLike, normal_density
from veridical.data.fields import Positive
from veridical.data.record import Record
from veridical.data.registry import Registry

__all__ = ["TYPED_DEMANDS", "AnyTypedDemand", "TypedDemand"]
__all__ += ["Scaled", "ScaledExponential", "ScaledGamma", "ScaledUniform", "ShiftedNormal"]


class TypedDemand(Record):
    """A newsvendor's demand D whose place or scale is his type; functions of q >= 0 in units and theta, broadcast."""

    distribution: str

    @abstractmethod
    def survival(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """P(D > q)."""

    @abstractmethod
    def sales(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """E[min(D^+, q)], the integral of survival from 0 to q, units."""

    @abstractmethod
    def survival_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """Derivative of P(D > q) with respect to theta."""

    @abstractmethod
    def sales_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """Derivative of E[min(D^+, q)] with respect to theta."""

    @abstractmethod
    def density(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """Density of D, per unit."""

    @abstractmethod
    def quantile(self, survival: ArrayLike, theta: ArrayLike) -> Array:
        """Largest q >= 0 with P(D > q) = survival, for survival in [0, 1]; 0 where there is none."""

    def survival_gain(self, q: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
        """P(D > q) of the type `high` less that of the type `low`; with all its digits also where both are all but 1."""
        return np.asarray(self.survival(q, high) - self.survival(q, low))

    def mode(self, theta: ArrayLike) -> Array | None:
        """Return units up to which the density rises and from which on it falls; None where that is not known."""
        return None


class ShiftedNormal(TypedDemand):
    """Normal with mean theta and standard deviation `sd`, units: not truncated, as in the paper's Example 2.

    A truncated normal is not shifted by its mean, and linear allocation would no longer be optimal. What lies below zero counts
    as no demand, where (16) counts it as negative sales: this leaves R_q and every allocation as they are, but R(0, theta) is
    then 0, and nobody is paid for, or earns rent on, demand that is negative.
    """

    distribution: Literal["normal"] = "normal"
    sd: Positive = Field(description="standard deviation around the type, units, > 0")

    def _score(self, q: ArrayLike, theta: ArrayLike) -> Array:
        return np.asarray(np.subtract(theta, q, dtype=float) / self.sd)

    def survival(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """P(D > q)."""
        return np.asarray(scipy.special.ndtr(self._score(q, theta)), dtype=float)

    def survival_gain(self, q: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
        """By P(D <= q) where that is the smaller part."""
        lower, higher = self._score(q, low), self._score(q, high)
        below = scipy.special.ndtr(-lower) - scipy.special.ndtr(-higher)
        return np.where(lower > 0, below, scipy.special.ndtr(higher) - scipy.special.ndtr(lower))

    def sales(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """E[min(D^+, q)] = min(theta, q) + sd (L(theta / sd) - L(|theta - q| / sd)), L(z) = phi(z) - z Phi(-z) = E[(Z - z)^+].

        Written from the integral of Phi at both ends, which differ by q / sd, it would lose the digits of q below those of theta.
        """

        def loss(z: Array) -> Array:
            return np.asarray(normal_density(z) - z * scipy.special.ndtr(-z))

        lost = loss(self._score(0.0, theta)) - loss(np.abs(self._score(q, theta)))
        return np.asarray(np.minimum(q, theta) + self.sd * lost, dtype=float)

    def survival_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """phi((theta - q) / sd) / sd."""
        return normal_density(self._score(q, theta)) / self.sd

    def sales_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """Phi(theta / sd) - Phi((theta - q) / sd)."""
        return self.survival(0.0, theta) - self.survival(q, theta)

    def density(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """phi((theta - q) / sd) / sd."""
        return self.survival_by_type(q, theta)

    def mode(self, theta: ArrayLike) -> Array:
        """Theta."""
        return np.asarray(theta, dtype=float)

    def quantile(self, survival: ArrayLike, theta: ArrayLike) -> Array:
        """Largest q >= 0 with P(D > q) = survival."""
        return np.maximum(np.asarray(theta, dtype=float) - self.sd * scipy.special.ndtri(np.asarray(survival, dtype=float)), 0.0)


class Scaled(TypedDemand):
    """theta times a demand Z of one distribution; no demand where theta is 0. Example 4."""

    @abstractmethod
    def _survival(self, z: Array) -> Array:
        """P(Z > z)."""

    def _distribution(self, z: Array) -> Array:
        """P(Z <= z), with all its digits near 0."""
        return np.asarray(1.0 - self._survival(z))

    @abstractmethod
    def _partial(self, z: Array) -> Array:
        """E[Z; Z <= z]."""

    @abstractmethod
    def _density(self, z: Array) -> Array:
        """z times the density of Z."""

    @abstractmethod
    def _quantile(self, survival: Array) -> Array:
        """Largest z with P(Z > z) = survival."""

    @staticmethod
    def _ratio(q: ArrayLike, theta: ArrayLike) -> tuple[Array, Array]:
        scale = np.asarray(theta, dtype=float)
        return np.asarray(q, dtype=float) / np.where(scale > 0, scale, 1.0), scale

    def survival(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """P(Z > q / theta)."""
        z, scale = self._ratio(q, theta)
        return np.where(scale > 0, self._survival(z), 0.0)

    def survival_gain(self, q: ArrayLike, low: ArrayLike, high: ArrayLike) -> Array:
        """By P(Z <= q / theta) where that is the smaller part."""
        (lower, scale), (higher, _) = self._ratio(q, low), self._ratio(q, high)
        below = self._distribution(lower) - self._distribution(higher)
        return np.where((scale > 0) & (below < 0.5), below, self.survival(q, high) - self.survival(q, low))

    def sales(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """theta E[Z; theta Z <= q] + q P(theta Z > q)."""
        z, scale = self._ratio(q, theta)
        return scale * (self._partial(z) + z * self._survival(z))

    def survival_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """z f(z) / theta at z = q / theta."""
        z, scale = self._ratio(q, theta)
        return np.where(scale > 0, self._density(z) / np.where(scale > 0, scale, 1.0), 0.0)

    def sales_by_type(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """E[Z; theta Z <= q]."""
        z, scale = self._ratio(q, theta)
        return np.where(scale > 0, self._partial(z), 0.0)

    def density(self, q: ArrayLike, theta: ArrayLike) -> Array:
        """f(z) / theta at z = q / theta; at 0 its limit from above."""
        z, scale = self._ratio(q, theta)
        z = np.maximum(z, np.finfo(float).tiny)
        return np.where(scale > 0, self._density(z) / (z * np.where(scale > 0, scale, 1.0)), 0.0)

    def quantile(self, survival: ArrayLike, theta: ArrayLike) -> Array:
        """Theta times the quantile of Z."""
        z, scale = self._quantile(np.asarray(survival, dtype=float)), np.asarray(theta, dtype=float)
        return np.where(scale > 0, np.where(scale > 0, scale, 1.0) * z, 0.0)


class ScaledUniform(Scaled):
    """Uniform between 0 and theta units."""

    distribution: Literal["uniform"] = "uniform"

    def _survival(self, z: Array) -> Array:
        return np.maximum(1.0 - z, 0.0)

    def _distribution(self, z: Array) -> Array:
        return np.minimum(z, 1.0)

    def _partial(self, z: Array) -> Array:
        return np.minimum(z, 1.0) ** 2 / 2

    def _density(self, z: Array) -> Array:
        return np.where(z <= 1.0, z, 0.0)  # from the left at the end

    def _quantile(self, survival: Array) -> Array:
        return 1.0 - survival

    def mode(self, theta: ArrayLike) -> Array:
        """Any number of units up to theta."""
        return np.zeros(np.shape(theta))


class ScaledGamma(Scaled):
    """Gamma with the given `shape` and the scale theta, units."""

    distribution: Literal["gamma"] = "gamma"
    shape: Positive = Field(description="shape of the distribution, > 0; the type is its scale, units")

    def _survival(self, z: Array) -> Array:
        return np.asarray(scipy.special.gammaincc(self.shape, z), dtype=float)

    def _distribution(self, z: Array) -> Array:
        return np.asarray(scipy.special.gammainc(self.shape, z), dtype=float)

    def _partial(self, z: Array) -> Array:
        return np.asarray(self.shape * scipy.special.gammainc(self.shape + 1, z), dtype=float)

    def _density(self, z: Array) -> Array:
        return np.asarray(np.exp(scipy.special.xlogy(self.shape, z) - z - scipy.special.gammaln(self.shape)), dtype=float)

    def _quantile(self, survival: Array) -> Array:
        return np.asarray(scipy.special.gammainccinv(self.shape, survival), dtype=float)

    def mode(self, theta: ArrayLike) -> Array:
        """Theta times shape - 1; 0 where the shape is below 1."""
        return max(self.shape - 1, 0.0) * np.asarray(theta, dtype=float)


class ScaledExponential(Scaled):
    """Exponential with mean theta, units."""

    distribution: Literal["exponential"] = "exponential"

    def _survival(self, z: Array) -> Array:
        return np.exp(-z)

    def _distribution(self, z: Array) -> Array:
        return np.asarray(-np.expm1(-z))

    def _partial(self, z: Array) -> Array:
        return np.asarray(scipy.special.gammainc(2.0, z), dtype=float)

    def _density(self, z: Array) -> Array:
        return z * np.exp(-z)

    def _quantile(self, survival: Array) -> Array:
        with np.errstate(divide="ignore"):
            return -np.log(survival)

    def mode(self, theta: ArrayLike) -> Array:
        """0 units."""
        return np.zeros(np.shape(theta))


TYPED_DEMANDS: Registry[TypedDemand] = Registry(TypedDemand, "distribution")
for built_in in (ShiftedNormal, ScaledUniform, ScaledExponential, ScaledGamma):
    TYPED_DEMANDS.register(built_in)
AnyTypedDemand = Annotated[TypedDemand, SerializeAsAny(), TYPED_DEMANDS.reader]
