"""The claims, one file per section of the paper or of the theory beyond it; `normtheory.audit.claims` imports and lists them.

The order of the sections here is the order in which the claims are listed.
"""

__all__ = [  # noqa: RUF022 - modules, in the order of the paper
    "diagonal_networks",
    "single_task",
    "finetuning",
    "finetuning_limits",
    "reuse",
    "parameter_norm",
    "deeper_networks",
    "multitask",
    "multitask_ends",
    "comparison",
    "comparison_conclusions",
    "shared_features",
    "nested",
    "appendix_a",
    "appendix_a_predictor",
    "appendix_a_endpoint",
    "appendix_b",
    "appendix_b_relu",
    "cross_entropy",
    "cross_entropy_points",
    "dimensionality",
    "shared_subsets",
    "q_facts",
    "one_output",
    "linear_probing",
    "own_networks",
    "known_networks",
    "rescaled_networks",
    "learning_curves",
]
