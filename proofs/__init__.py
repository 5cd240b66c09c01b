"""The claims, one file per section of the paper or of the theory beyond it. Importing this package fills the registry.

The order of the sections here is the order in which the claims are listed.
"""

from proofs import (
    appendix_a,
    appendix_b,
    comparison,
    cross_entropy,
    diagonal_networks,
    dimensionality,
    finetuning,
    multitask,
    nested,
    one_output,
    parameter_norm,
    q_facts,
)

__all__ = [  # noqa: RUF022 - the order of the paper, not of the alphabet
    "diagonal_networks",
    "finetuning",
    "parameter_norm",
    "multitask",
    "comparison",
    "nested",
    "appendix_a",
    "appendix_b",
    "cross_entropy",
    "dimensionality",
    "q_facts",
    "one_output",
]
