"""The digits: what is in them, that nobody can change them for others, and how they are divided."""

import hashlib

import numpy as np
import pytest

from minitf.data import digits, load_digits


def test_shapes_and_dtypes():
    images, labels = digits()
    assert (images.shape, images.dtype) == ((1797, 64), np.float32)
    assert (labels.shape, labels.dtype) == ((1797,), np.int64)
    assert (images.min(), images.max()) == (0, 1)
    assert sorted(set(labels.tolist())) == list(range(10))


def test_the_values_are_those_of_the_source():
    images, labels = digits()
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    raw = (images * 16).astype(np.uint8).tobytes() + labels.astype(np.uint8).tobytes()
    assert hashlib.sha256(raw).hexdigest() == "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"


def test_the_first_image_is_a_zero():
    images, labels = digits()
    assert labels[0] == 0
    assert (images[0].reshape(8, 8)[:2] * 16).tolist() == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]


@pytest.mark.parametrize("part", ["all", "train", "test"])
def test_arrays_belong_to_the_caller(part):
    images, labels = load_digits(part)
    before = images.copy(), labels.copy()
    images[:] = 7
    labels[:] = 7
    again = load_digits(part)
    np.testing.assert_array_equal(again[0], before[0])
    np.testing.assert_array_equal(again[1], before[1])


def test_train_and_test_share_nothing_and_leave_nothing_out():
    whole, train, test = (load_digits(part) for part in ("all", "train", "test"))
    rows = [sorted((tuple(i.tolist()), int(d)) for i, d in zip(*part, strict=True)) for part in (whole, train, test)]
    assert sorted(rows[1] + rows[2]) == rows[0]
    assert (len(rows[1]), len(rows[2])) == (1433, 364)


def test_each_digit_has_its_share_in_the_test_part():
    _, labels = load_digits("test")
    assert np.bincount(labels).tolist() == [-(-n // 5) for n in np.bincount(digits()[1]).tolist()]


def test_an_unknown_part_is_refused_by_name():
    with pytest.raises(ValueError, match=r"load_digits\('valid'\).*'train', 'test' or 'all'"):
        load_digits("valid")
