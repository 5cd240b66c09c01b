"""The letters of the theory, each with its spellings and what is assumed of it: one coordinate of a diagonal network."""

from __future__ import annotations

from normtheory.audit.notation import symbol

B = symbol("b", r"\beta", "β", real=True)  # the main predictor
START = symbol("b_0", r"\beta(0)", "β(0)", real=True)  # where finetuning starts
K = symbol("k", positive=True)  # the penalty scale
A = symbol("a", r"\beta^{aux}", "β_aux", real=True)  # the auxiliary predictor
AUX = symbol("a", r"|\beta^{aux}|", "|β_aux|", positive=True)
SIZE = symbol("b", r"|\beta|", "|β|", positive=True)  # of the main predictor, where its sign does not matter
ALPHA = symbol("alpha", r"\alpha", "α", positive=True)  # initialisation scale
GAMMA = symbol("gamma", r"\gamma", "γ", positive=True)  # reset second layer
C = symbol("c", positive=True)  # rescaling after pretraining
T, X, Y = symbol("t", positive=True), symbol("x", positive=True), symbol("y", positive=True)
