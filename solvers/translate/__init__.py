"""A Pyomo model as arrays: linear parts, nonlinear terms with exact derivatives, and the interface that NLP solvers take."""
