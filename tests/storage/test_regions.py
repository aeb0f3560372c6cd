"""Slices, boxes, and regions put together from pieces."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minitf.core.dtypes import as_dtype, float64, int32
from minitf.errors import DataLossError, InvalidArgumentError, UnimplementedError
from minitf.storage import regions
from minitf.storage.regions import (
    box_of,
    check_disjoint,
    cut,
    intersection,
    join,
    moved,
    overlap,
    region_box,
    slice_shape,
    slice_text,
    volume,
)


def box(*bounds):
    return tuple(slice(*bound) for bound in bounds)


def test_a_slice_in_all_its_forms():
    extents, shape = ((1, 2), None, (0, 4)), (5, 6, 4)
    assert box_of(extents, shape) == box((1, 3), (0, 6), (0, 4))
    assert slice_text(extents) == "1,2:-:0,4"
    assert slice_shape(extents, shape) == (2, 6, 4)
    assert volume(box_of(extents, shape)) == 48
    assert (box_of((), ()), slice_text(()), slice_shape((), ()), volume(())) == ((), "", (), 1)


def test_what_two_boxes_share():
    assert intersection(box((0, 3), (1, 5)), box((2, 9), (0, 2))) == box((2, 3), (1, 2))
    assert intersection(box((0, 3)), box((3, 9))) is None
    assert intersection(box((0, 3), (0, 1)), box((1, 2), (4, 5))) is None
    assert moved(box((5, 7), (1, 2)), box((4, 9), (1, 3))) == box((1, 3), (0, 1))


def test_regions_that_are_inside():
    assert region_box("k", (4, 3), [1, 0], [2, -1]) == box((1, 3), (0, 3))
    assert region_box("k", (4, 3), [4, 3], [0, -1]) == box((4, 4), (3, 3))
    assert region_box("k", (4,), np.array([0]), np.array([4])) == box((0, 4))
    for begin, size in (([0, 0], [5, 1]), ([-1, 0], [1, 1]), ([4, 0], [1, 1]), ([5, 0], [-1, 1]), ([0, 0], [-2, 1])):
        with pytest.raises(InvalidArgumentError, match=r"^read_slice: the region from .* is not inside 'k' of shape \(4, 3\)"):
            region_box("k", (4, 3), begin, size)
    for begin, size in (([0.5, 0], [1, 1]), ([0, 0], [1, "1"])):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            region_box("k", (4, 3), begin, size)
    for begin, size in (([0], [1, 1]), ([0, 0], [1]), ([0, 0, 0], [1, 1, 1])):
        with pytest.raises(InvalidArgumentError, match="^read_slice: 'k' has 2 dimensions; begin .* must have as many"):
            region_box("k", (4, 3), begin, size)


def test_a_part_is_an_array_of_its_own_and_the_whole_the_array_itself():
    array = np.arange(6).reshape(2, 3)
    assert cut(array, box((0, 2), (0, 3))) is array
    for part in (box((0, 1), (0, 3)), box((1, 2), (0, 3)), box((0, 2), (0, 2)), box((0, 2), (1, 3))):
        found = cut(array, part)
        assert found.tolist() == array[part].tolist()
        assert found.base is None


# Pieces -------------------------------------------------------------------------------------------------------------


def joined(shape, slices, wanted=None, dtype=int32):
    whole = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype.np)
    asked = []

    def fetch(extents, part):
        asked.append(extents)
        return whole[box_of(extents, shape)][part]

    wanted = box_of((None,) * len(shape), shape) if wanted is None else wanted
    found = join(dtype, shape, slices, wanted, fetch, "here")
    assert found.dtype == dtype.np
    assert found.tolist() == whole[wanted].tolist()
    return asked


def test_only_pieces_that_touch_the_region_are_fetched():
    rows = [((0, 2), None), ((2, 3), None), ((5, 1), None)]
    assert joined((6, 4), rows) == rows
    assert joined((6, 4), rows, box((0, 2), (1, 3))) == rows[:1]
    assert joined((6, 4), rows, box((1, 3), (1, 3))) == rows[:2]
    assert joined((6, 4), rows, box((5, 6), (0, 4))) == rows[2:]
    assert joined((6, 4), rows, box((3, 3), (0, 4))) == []
    assert joined((6, 0), rows) == []
    assert joined((), [()], dtype=float64) == [()]
    blocks = [((r, 2), (c, 2)) for r in (2, 0) for c in (0, 2)]
    assert joined((4, 4), blocks, box((1, 3), (0, 2))) == [blocks[0], blocks[2]]


def test_pieces_that_leave_a_gap():
    with pytest.raises(InvalidArgumentError, match="here does not have sufficient slices: they cover 8 of the 12 elements"):
        joined((6, 2), [((0, 2), None), ((4, 2), None)])
    assert joined((6, 2), [((0, 2), None), ((4, 2), None)], box((4, 6), (0, 2))) == [((4, 2), None)]


@pytest.mark.parametrize(
    ("slices", "shape", "overlap"),
    [
        ([((0, 2),), ((1, 2),)], (4,), ("0,2", "1,2")),
        ([((1, 2),), ((0, 2),)], (4,), ("0,2", "1,2")),
        ([((0, 4),), ((3, 1),)], (4,), ("0,4", "3,1")),
        ([((0, 4),), ((0, 1),), ((3, 1),)], (4,), ("0,4", "0,1")),
        ([(None, (0, 2)), (None, (1, 2))], (2, 4), ("-:0,2", "-:1,2")),
        ([((0, 2), (0, 2)), ((1, 2), (1, 2)), ((3, 1), (3, 1))], (4, 4), ("0,2:0,2", "1,2:1,2")),
        ([(), ()], (), ("", "")),
    ],
)
def test_pieces_that_overlap(slices, shape, overlap):
    one, other = overlap
    with pytest.raises(DataLossError, match=f"^here: overlapping slices {one} and {other}"):
        check_disjoint(slices, shape, "here")


def test_pieces_that_only_touch():
    check_disjoint([((0, 2),), ((2, 2),)], (4,), "here")
    check_disjoint([((2, 2),), ((0, 2),), ((2, 0),), ((2, 0),)], (4,), "here")  # the empty ones are nowhere
    check_disjoint([((r, 1), (c, 1)) for r in range(4) for c in range(4)], (4, 4), "here")
    check_disjoint([(None, (c, 1)) for c in range(4)], (4, 4), "here")
    check_disjoint([], (4, 4), "here")
    check_disjoint([()], (), "here")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=5))
def test_overlaps_are_those_of_any_two(found):
    slices = [((a, min(b, 4 - a)), (c, min(d, 4 - c))) for a, b, c, d in found]
    boxes = [box_of(extents, (4, 4)) for extents in slices]
    overlap = any(intersection(a, b) is not None for a, b in itertools.combinations(boxes, 2))
    try:
        check_disjoint(slices, (4, 4), "here")
    except DataLossError:
        assert overlap
    else:
        assert not overlap


class Counted:
    """How many slices are compared with each other, at a time."""

    def __init__(self, monkeypatch):
        self.groups = []
        few = regions._overlap_of_few

        def counted_few(found, rank):
            self.groups.append(len(found))
            return few(found, rank)

        monkeypatch.setattr(regions, "_overlap_of_few", counted_few)


@pytest.mark.parametrize(
    ("sides", "groups"),
    [
        ((64,), [64]),
        ((65,), [33, 32]),
        ((4096,), [64] * 64),
        ((64, 64), [64] * 64),
        ((4096, 1), [64] * 64),
        ((1, 70), [35, 35]),
        ((16, 16, 16), [64] * 64),
        ((512, 8), [64] * 64),
    ],
)
def test_many_slices_are_parted_before_they_are_compared(monkeypatch, sides, groups):
    counted = Counted(monkeypatch)
    slices = [tuple((2 * n, 2) for n in place) for place in itertools.product(*map(range, sides))]
    random.Random(5).shuffle(slices)
    assert overlap(slices, tuple(2 * n for n in sides)) is None
    assert counted.groups == groups


@pytest.mark.parametrize(
    ("runs", "groups"),
    [
        ({(0, 1): 7, (1, 1): 63}, 63),  # the larger part may have nine of ten, and no more
        ({(0, 1): 6, (1, 1): 64}, 70),
        ({(0, 1): 32, (0, 2): 8, (1, 1): 40}, 48),  # a tenth may be in both, and no more
        ({(0, 1): 31, (0, 2): 9, (1, 1): 40}, 80),
        ({(0, 2): 70}, 70),
        ({(0, 1): 60, (1, 1): 10}, 10),
    ],
)
def test_slices_that_cannot_be_parted_well_are_compared(monkeypatch, runs, groups):
    counted = Counted(monkeypatch)
    assert overlap([(run,) for run, count in runs.items() for _ in range(count)], (4,)) is not None
    assert counted.groups[0] == groups


def test_the_axis_that_parts_best(monkeypatch):
    counted = Counted(monkeypatch)
    slices = [((5 * (n > 59), 5), (n, 1)) for n in range(70)]
    assert overlap(slices, (10, 70)) is None
    assert counted.groups == [35, 35]


def pinwheel(n):
    """Four bundles of strips around a square, through which every cut goes that parts them."""
    return [
        extents
        for i in range(n)
        for extents in (((0, 2 * n), (i, 1)), ((i, 1), (n, 2 * n)), ((n, 2 * n), (2 * n + i, 1)), ((2 * n + i, 1), (0, 2 * n)))
    ]


def codes(count, rank=62):
    """Pieces that have half of the dimensions whole, and of the others a half, so that no two overlap and no cut parts them."""
    rng, found = np.random.default_rng(0), np.zeros((0, rank), int)
    while len(found) < count:
        new = rng.choice([-1, 0, 1], size=rank, p=[0.5, 0.25, 0.25])
        if ((found >= 0) & (new >= 0) & (found != new)).any(axis=1).all():
            found = np.vstack([found, new])
    return [tuple(None if half < 0 else (half, 1) for half in row) for row in found.tolist()]


@pytest.mark.timeout(60)
def test_very_many_slices_that_no_cut_parts():
    strips = pinwheel(4_000)
    assert overlap(strips, (12_000, 12_000)) is None
    assert overlap([*strips, ((11_999, 1), (0, 1))], (12_000, 12_000)) == "11999,1:0,8000 and 11999,1:0,1"
    pieces = codes(1_200)
    assert overlap(pieces, (2,) * 62) is None
    assert overlap([*pieces, pieces[0]], (2,) * 62) == " and ".join([regions.slice_text(pieces[0])] * 2)


@pytest.mark.parametrize(("many", "largest"), [(160, 160), (159, 120)])
def test_of_many_more_may_reach_through_a_cut(monkeypatch, many, largest):
    counted = Counted(monkeypatch)
    monkeypatch.setattr(regions, "MANY", many)
    assert overlap(pinwheel(40), (120, 120)) is None
    assert max(counted.groups) == largest


def test_a_cut_must_leave_fewer_pairs(monkeypatch):
    counted = Counted(monkeypatch)
    monkeypatch.setattr(regions, "MANY", 100)
    assert overlap(codes(200), (2,) * 62) is None
    assert counted.groups == [200]


@pytest.mark.parametrize("pairs", [1, 10, 64, 100, 1 << 22])
def test_the_pair_that_is_told_is_the_first(monkeypatch, pairs):
    monkeypatch.setattr(regions, "PAIRS", pairs)
    strips = [((n, 1),) for n in range(20)]
    assert overlap(strips, (20,)) is None
    assert overlap([*strips, ((17, 2),), ((4, 1),), ((3, 2),)], (20,)) == "3,1 and 3,2"
    assert overlap([((0, 20),), *strips], (20,)) == "0,20 and 0,1"
    assert overlap([*strips[1:], ((0, 2),)], (20,)) == "0,2 and 1,1"
    assert overlap([((0, 1), (0, 9)), ((0, 1), (8, 1)), ((1, 1), (0, 9))], (2, 9)) == "0,1:0,9 and 0,1:8,1"


def test_an_empty_region_that_is_too_large_for_numpy():
    size = 1 << 62
    shape = (0, size, 8)
    nothing = join(as_dtype("float32"), shape, [], (slice(0, 0), slice(size - 1, size), slice(0, 8)), None, "here")
    assert nothing.shape == (0, 1, 8)
    with pytest.raises(UnimplementedError, match=r"^here: shape \(0, 4611686018427387899, 8\) is larger"):
        join(as_dtype("float32"), shape, [], (slice(0, 0), slice(5, size), slice(0, 8)), None, "here")
