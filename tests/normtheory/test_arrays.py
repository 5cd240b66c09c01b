"""What users hand over for arrays and numbers: taken where it is unambiguous, else refused in one line that says what to do."""

import numpy as np
import pytest
from scipy import sparse

from normtheory.arrays import InputError, count, matrix, number, positive_scalar, precision, real_array, targets, vector
from normtheory.solvers import newton, training
from normtheory.tasks import relu_task, teacher_student


class Frame:
    """As a data frame: numpy makes an array of it, of objects where columns differ in kind."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


class Tensor:
    """As a tensor in a type that numpy lacks."""

    def detach(self):
        return self

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Got unsupported ScalarType BFloat16")


REFUSED = {
    "masked entries": (np.ma.masked_array([1.0, 2.0], [False, True]), r"y has masked entries; .* by y\.filled"),
    "sparse": (sparse.csr_matrix(np.eye(2)), r"y is a sparse csr_matrix; give y\.toarray\(\)"),
    "sparse array": (sparse.coo_array(np.eye(2)), r"give y\.toarray\(\)"),
    "ragged": ([[1.0, 2.0], [3.0]], "y has rows of different lengths"),
    "tensor": (Tensor(), r"give y\.detach\(\)\.double\(\)\.cpu\(\)\.numpy\(\)"),
    "text": (["a", "b"], "y holds <U1 entries; give real numbers"),
    "None": (None, "y holds object entries"),
    "frame of objects": (Frame([["a", 1.0]]), "y holds .* entries; give real numbers"),
    "complex": ([1j], "y holds complex128 entries"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_array_of_numbers_is_refused(case):
    value, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        real_array(value, "y")
    for solve in (lambda: newton.minimize(np.eye(2), value, 1.0), lambda: training.single_task(np.eye(2), value)):
        with pytest.raises(InputError) as raised:
            solve()
        assert "\n" not in str(raised.value)


def test_what_stands_for_an_array_is_taken():
    unmasked = np.ma.masked_array([1.0, 2.0], [False, False])
    for value in (unmasked, Frame([1.0, 2.0]), [1, 2], (1.0, 2.0), np.array([1, 2], dtype=np.uint8), np.float16([1, 2])):
        np.testing.assert_array_equal(real_array(value, "y"), [1.0, 2.0])
    for shape in ((3,), (3, 1), (1, 3)):
        np.testing.assert_array_equal(targets(np.arange(3.0).reshape(shape), "y", 3, "X"), np.arange(3.0))
        np.testing.assert_array_equal(vector(np.arange(3.0).reshape(shape), "k", 3, "column of X"), np.arange(3.0))
    np.testing.assert_array_equal(vector(2.0, "k", 3, "column of X"), np.full(3, 2.0))
    for shape in ((3, 3), (3, 1, 1), (4, 1), ()):
        with pytest.raises(InputError, match="y has shape"):
            targets(np.zeros(shape), "y", 3, "X")
    with pytest.raises(InputError, match="give a matrix"):
        matrix(np.arange(3.0), "X")


@pytest.mark.parametrize("value", ["1", None, [1.0], np.ones(1), np.ones((1, 1)), object(), 1j, 10**400])
def test_what_is_no_number_is_refused(value):
    for read in (number, positive_scalar, count):
        with pytest.raises(InputError, match=r"alpha is .*; give one real number"):
            read(value, "alpha")
    with pytest.raises(InputError, match="alpha"):
        training.single_task(np.eye(2), np.ones(2), alpha=value)
    with pytest.raises(InputError, match="tol"):
        newton.minimize(np.eye(2), np.ones(2), 1.0, tol=value)
    with pytest.raises(InputError, match="samples"):
        teacher_student(value, 1)


def test_numbers_of_any_kind_are_taken():
    for value in (2, 2.0, np.float32(2), np.int8(2), np.array(2.0)):
        assert positive_scalar(value, "alpha") == 2.0
        assert count(value, "n") == 2
    for value in (0, 1.5, np.nan, np.inf):
        with pytest.raises(InputError, match="give an integer of at least 1"):
            count(value, "n")
    with pytest.raises(InputError, match="units"):
        relu_task(3, units=20)


def test_precision_is_that_of_the_coarsest_type():
    assert precision() == precision([1.0], np.ones(2, dtype=int)) == pytest.approx(3.7e-11, rel=0.01)
    assert precision([1.0], np.ones(2, dtype=np.float32)) == pytest.approx(2.4e-5, rel=0.05)
    with pytest.raises(InputError, match="different lengths"):
        precision([[1.0], [1.0, 2.0]])
