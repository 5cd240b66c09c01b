"""The plane of coefficients: names do not lie on each other."""

import numpy as np

from normtheory.features import Features
from normtheory.figures.own_result import _spots


def test_features_in_one_spot_share_a_name_and_others_keep_theirs():
    beta = np.array([1.0, 1.0, 1.01, -0.5, 0.0])
    features = Features(beta, np.array([0.3, 0.3, 0.3, 0.0, 0.0]), ("a", "b", "c", "d", "e"))
    assert [label for label, *_ in _spots(features)] == ["c, ...", "d"]
    apart = Features(beta, np.array([0.3, 0.1, -0.3, 0.0, 0.0]), ("a", "b", "c", "d", "e"))
    assert [label for label, *_ in _spots(apart)] == ["c", "a", "b", "d"]
