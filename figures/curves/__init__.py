"""Learning curves without training: figures that no grid of trained networks could make, and lines for those that one does."""
