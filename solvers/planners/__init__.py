"""Who plans: central planners that are handed everybody's record, and what a mechanism makes of their plans."""

from veridical.solvers.planners.central import Central, Planned, cost_at, costs_at, jit, joint
from veridical.solvers.planners.solution import settle, solve

__all__ = ["Central", "Planned", "cost_at", "costs_at", "jit", "joint", "settle", "solve"]
