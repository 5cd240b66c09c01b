"""The claims, one file per section of the paper or of the theory beyond it. Importing this package fills the registry.

The order of the sections here is the order in which the claims are listed.
"""

from proofs import appendix_a, appendix_b, diagonal_networks, finetuning, one_output, q_facts

__all__ = ["diagonal_networks", "finetuning", "appendix_a", "appendix_b", "one_output", "q_facts"]  # noqa: RUF022
