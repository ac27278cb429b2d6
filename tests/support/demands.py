"""Distributions of demand that tests are run on."""

from veridical.data import Demand, Empirical, Exponential, Sample, Uniform

UNIFORM = Uniform(low=200, high=800)
EXPONENTIAL = Exponential(mean=350)
EMPIRICAL = Empirical(values=(700.0, 120.0, 300.0, 120.0), weights=(0.25, 0.125, 0.375, 0.25))  # unsorted, one point twice
SAMPLE = Sample.model_construct(file="sample.csv", values=(5.0, 0.0, 3.0, 5.0, 8.0))  # a file's content, without the file


def kind(demand: Demand) -> str:
    """Return what a demand is called in the name of a test."""
    return f"{demand.distribution}, mean {demand.expectation:.4g}"
