"""What the command says of large values, which it looks at piece by piece, is what there is to say of them as a whole."""

import json

import numpy as np
import pytest

from minitf.cli import main
from minitf.storage.bundle import TensorBundle
from minitf.storage.formats import FORMATS, format_named
from minitf.storage.values import Partitioned

SHAPES = [(20_000,), (7, 3000), (6, 3001), (8, 9, 400), (2, 2, 2, 3000), (30_000, 1)]
TEXTS = np.array([b"%d" % n * (n % 4) for n in range(20_000)], object)


@pytest.fixture(params=list(FORMATS))
def storage(request):
    return format_named(request.param, durable=False)


@pytest.fixture
def minitf(capsysbinary):
    def run(*words):
        code = main([str(word) for word in words])
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return run


def damaged(tmp_path, prefix, needle):
    """Changes a byte behind the needle in the file that has it."""
    for path in tmp_path.glob(f"{prefix}*"):
        data = bytearray(path.read_bytes())
        at = data.find(needle)
        if at >= 0:
            data[at + len(needle) - 1] ^= 1
            path.write_bytes(data)
            return
    raise AssertionError(needle)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["f4", "i8", "c16"])
def test_elements_are_shown_as_numpy_shows_them(minitf, tmp_path, shape, dtype):
    value = (np.arange(np.prod(shape)) * np.pi).astype(dtype).reshape(shape)
    TensorBundle(durable=False).write(tmp_path / "p", {"v": value})
    shown = minitf("show", tmp_path / "p", "v")[1].decode()
    assert shown.endswith(np.array2string(value, threshold=200, max_line_width=120) + "\n")
    if dtype != "c16":
        least, greatest, mean = (f"{float(one):.6g}" for one in (value.min(), value.max(), value.mean(dtype=np.float64)))
        if dtype == "i8":
            least, greatest = str(value.min()), str(value.max())
        assert [line.split()[1] for line in shown.splitlines()[3:7]][-3:] == [least, greatest, mean]


def test_what_is_not_finite_in_any_piece_is_counted(minitf, tmp_path):
    value = np.arange(300_000, dtype=np.float32)
    value[[0, 70_000, 299_999]] = np.nan, np.inf, -np.inf
    TensorBundle(durable=False).write(tmp_path / "p", {"v": value, "w": np.full(70_000, np.nan)})
    shown = minitf("show", tmp_path / "p", "v")[1].decode()
    for line in ("least       1", "greatest    299998", "not finite  3 of 300000"):
        assert line in shown
    finite = value[np.isfinite(value)].astype(np.float64)
    counts = np.histogram(finite, 32, (1, 299_998))[0]
    bars = " ▁▂▃▄▅▆▇█"
    assert "".join(bars[-(-int(n) * 8 // int(counts.max()))] for n in counts) in shown
    assert "not finite  70000 of 70000" in minitf("show", tmp_path / "p", "w")[1].decode()


def test_strings_are_shown_up_to_some_length(minitf, tmp_path, storage):
    items = np.array([b"a" * 200, b"b" * 201, b"c" * 70_000, *[b"d"] * 30], object)
    storage.write(tmp_path / "p", {"v": items, "w": items[:3]})
    lines = minitf("show", tmp_path / "p", "v")[1].decode().splitlines()[-21:]
    assert lines[:4] == [repr(b"a" * 200), f"{b'b' * 200!r} ... 201 bytes", f"{b'c' * 200!r} ... 70000 bytes", "b'd'"]
    assert lines[19:] == ["b'd'", "... 33 strings; --full prints all"]
    assert minitf("show", tmp_path / "p", "w", "--full")[1].decode().splitlines()[-3:] == list(map(repr, items[:3]))
    assert json.loads(minitf("--json", "show", tmp_path / "p", "w")[1])["value"] == [one.decode() for one in items[:3]]


def test_what_is_got_is_what_was_saved(minitf, tmp_path, storage):
    text, value = np.array(b"text" * 40_000, object), np.arange(40_000, dtype=np.int32).reshape(200, 200)
    storage.write(tmp_path / "p", {"v": value, "t": text})
    assert minitf("get", tmp_path / "p", "v", "-o", tmp_path / "x.npy")[0] == 0
    assert (np.load(tmp_path / "x.npy") == value).all()
    assert minitf("get", tmp_path / "p", "t", "-o", "-")[:2] == (0, text.item())
    assert minitf("get", tmp_path / "p", "v", "-o", tmp_path / "y.npy", "--slice", "20:199,-1")[0] == 0
    assert (np.load(tmp_path / "y.npy") == value[20:199, -1]).all()


def test_parts_of_tensors_in_pieces(minitf, tmp_path):
    whole = np.arange(60_000, dtype=np.float64).reshape(300, 200)
    pieces = [((None, (0, 90)), np.ascontiguousarray(whole[:, :90])), ((None, (90, 110)), np.ascontiguousarray(whole[:, 90:]))]
    TensorBundle(durable=False).write(tmp_path / "p", {"v": Partitioned(whole.shape, pieces)})
    for part, wanted in (("10,80:100", whole[10, 80:100]), (":,0", whole[:, 0]), ("5:5", whole[5:5])):
        assert minitf("get", tmp_path / "p", "v", "-o", tmp_path / "x.npy", "--slice", part)[0] == 0
        assert (np.load(tmp_path / "x.npy") == wanted).all()


def test_nothing_damaged_is_sent_or_written(minitf, tmp_path, storage):
    value = np.frombuffer(b"needle.." * 80_000, np.float32)
    storage.write(tmp_path / "p", {"v": value})
    damaged(tmp_path, "p", b"needle.." * 60_000)
    for words in (("-o", "-"), ("-o", tmp_path / "x.npy")):
        code, out, err = minitf("get", tmp_path / "p", "v", *words)
        assert (code, out) == (1, b"")
        assert err.startswith("minitf get: ")
    for to in FORMATS:
        assert minitf("convert", tmp_path / "p", tmp_path / "q", "--to", to)[0] == 1
    assert minitf("show", tmp_path / "p", "v")[:2] == (1, b"")
    assert not list(tmp_path.glob("[qx]*"))
    code, out, _ = minitf("--json", "verify", tmp_path / "p")
    assert (code, [one["key"] for one in json.loads(out)["problems"]]) == (1, ["v"])
    code, out, _ = minitf("--json", "diff", tmp_path / "p", tmp_path / "p")
    assert (code, [one["what"] for one in json.loads(out)["differences"]]) == (1, ["unreadable"])


@pytest.mark.parametrize("others", list(FORMATS))
def test_differences_in_any_piece(minitf, tmp_path, storage, others):
    numbers = np.arange(200_000, dtype=np.int32)
    changed, texts = numbers.copy(), TEXTS.copy()
    changed[[3, 70_000, 199_999]] += [1, 5, -2]
    texts[[0, 19_999]] = b"x" * 100_000, b"y"
    storage.write(tmp_path / "a", {"n": numbers, "t": TEXTS, "same": TEXTS[::-1], "one": numbers})
    format_named(others, durable=False).write(tmp_path / "b", {"n": changed, "t": texts, "same": TEXTS[::-1], "two": numbers})
    code, out, _ = minitf("--json", "diff", tmp_path / "a", tmp_path / "b")
    found = {one["key"]: one for one in json.loads(out)["differences"]}
    assert code == 1
    assert found["n"]["detail"] == "3 of 200000 elements, by at most 5"
    assert found["t"]["detail"] == "2 of 20000 strings"
    assert found["one"]["to"] == "two"
    assert set(found) == {"n", "t", "one"}
    code, out, _ = minitf("--json", "diff", tmp_path / "a", tmp_path / "b", "--atol", "2")
    assert {one["key"]: one["detail"] for one in json.loads(out)["differences"]}["n"] == "1 of 200000 elements, by at most 5"


def test_salvage_takes_large_values_that_are_whole(minitf, tmp_path, storage):
    good, bad = np.arange(30_000.0), np.frombuffer(b"needle.." * 80_000, np.float32)
    storage.write(tmp_path / "p", {"bad": bad, "good": good, "t": TEXTS})
    damaged(tmp_path, "p", b"needle.." * 60_000)
    assert minitf("salvage", tmp_path / "p", tmp_path / "q")[0] == 1
    reader = type(storage)().open(tmp_path / "q")
    assert reader.keys() == ["good", "t"]
    assert (reader.read("good") == good).all()
    assert (reader.read("t") == TEXTS).all()
