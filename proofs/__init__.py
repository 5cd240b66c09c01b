"""The claims, one file per section of the paper or of the theory beyond it. Importing this package fills the registry."""

from proofs import appendix_a, diagonal_networks, finetuning, multitask, one_output, q_facts

__all__ = ["appendix_a", "diagonal_networks", "finetuning", "multitask", "one_output", "q_facts"]
