"""Diagonal linear networks: Figures 1 and 5, the penalty landscapes, and Corollary 1 against trained networks."""
