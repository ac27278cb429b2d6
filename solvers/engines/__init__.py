"""Engines: HiGHS and Ipopt, handed over as arrays, and any other solver that Pyomo's factories know."""
