"""An audit of a theory of implicit bias: its formulas, the machinery that judges them, and solvers for what they predict.

In this folder: what the theory says. `audit/`: how a statement is judged. `solvers/`, `proofs/`, `figures/`: how endpoints are
computed, the claims, the figures. `cli/`: the command line.
"""

__version__ = "0.2.0"
