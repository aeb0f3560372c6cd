"""What holds for every checkpoint: a comparison with itself finds nothing, and what goes out as JSON or .npy is what is in."""

import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minitf.cli.contents import size_text
from minitf.cli.show import plain

from .conftest import write

DTYPES = st.sampled_from(["float16", "float32", "float64", "int8", "uint16", "int32", "uint64", "int64", "bool", "complex64"])
VALUES = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)))
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(lambda key: key[0] != "_")
in_one_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
@in_one_directory
def test_a_checkpoint_is_equal_to_itself_and_lists_what_was_written(minitf, tmp_path, values):
    path = write(tmp_path / "any", None, values)
    assert minitf("diff", path, path)[:2] == (0, f"0 differences, {len(values)} value{'s' * (len(values) != 1)} equal\n")
    assert minitf("verify", path)[0] == 0
    listed = {
        one["key"]: (one["dtype"], tuple(one["shape"]), one["bytes"])
        for one in json.loads(minitf("ls", path, "--json")[1])["values"]
    }
    assert listed == {key: (value.dtype.name, value.shape, value.nbytes) for key, value in values.items()}


@given(VALUES)
@in_one_directory
def test_get_gives_the_same_bits(minitf, tmp_path, value):
    path = write(tmp_path / "any", None, {"key": value})
    assert minitf("get", path, "key", "-o", tmp_path / "out.npy")[0] == 0
    loaded = np.load(tmp_path / "out.npy")
    assert (loaded.dtype, loaded.shape, loaded.tobytes()) == (value.dtype, value.shape, value.tobytes())


@given(VALUES, st.booleans())
@in_one_directory
def test_show_has_an_answer_for_every_array(minitf, tmp_path, value, full):
    path = write(tmp_path / "any", None, {"key": value})
    code, out, err = minitf("show", path, "key", *["--full"] * full)
    assert (code, err) == (0, "")
    assert out.split()[:4] == ["key", "key", "dtype", value.dtype.name]


@given(VALUES.filter(lambda value: value.dtype.kind != "c"))
def test_json_keeps_every_number(value):
    back = np.array(json.loads(json.dumps(plain(value), allow_nan=False)), value.dtype if value.dtype.kind != "b" else bool)
    np.testing.assert_array_equal(back.reshape(value.shape), value)


@given(st.binary(max_size=20))
def test_json_keeps_text_as_text_and_other_bytes_as_base64(content):
    said = plain(np.array(content, object))
    if isinstance(said, str):
        assert said.encode() == content
    else:
        import base64

        assert base64.b64decode(said["base64"]) == content


@given(st.integers(0, 2**63))
def test_a_size_is_told_within_half_a_percent(count):
    number, unit = size_text(count).split()
    assert "e" not in number
    told = float(number) * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].index(unit)
    assert abs(told - count) <= 0.005 * count
    assert float(number) <= 1024
