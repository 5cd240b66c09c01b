"""Reused, new and dropped features, and the strongest."""

import numpy as np
import pytest

from normtheory.arrays import InputError
from normtheory.features import Features


def test_every_feature_is_of_its_kind():
    found = Features([2.0, -1.0, 0.001, 0.0], [0.0, 3.0, 3.0, 0.02], ["a", "b", "c", "d"])
    assert found.reused.tolist() == [False, True, False, False]
    assert found.added.tolist() == [True, False, False, False]
    assert found.dropped.tolist() == [False, False, True, False]
    assert found.share_on_auxiliary == pytest.approx((1 + 1e-6) / (5 + 1e-6))
    assert found.strongest(2).tolist() == [0, 1]
    assert found.strongest(9).tolist() == [0, 1, 2], "a zero is no feature"


def test_without_auxiliary_predictor_and_at_zero():
    alone = Features(np.array([1.0, 2.0]))
    assert alone.names == ("x0", "x1")
    assert not alone.reused.any()
    assert alone.added.all()
    nothing = Features(np.zeros(2), np.ones(2))
    assert np.isnan(nothing.share_on_auxiliary)
    assert nothing.dropped.all()
    assert nothing.strongest(2).size == 0


def test_shapes_must_belong_together():
    with pytest.raises(InputError, match="one name per entry"):
        Features([1.0, 2.0], names=["a"])
    with pytest.raises(InputError, match="beta_aux has shape"):
        Features([1.0, 2.0], [1.0, 2.0, 3.0])
