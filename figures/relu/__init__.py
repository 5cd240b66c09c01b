"""Figures 2, 4, 6 and 8a-c: ReLU networks of one hidden layer on pairs of ReLU teachers."""
