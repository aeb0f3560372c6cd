# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.debugging import Assert as Assert
from minitf.debugging import assert_proper_iterable as assert_proper_iterable
from minitf.debugging import assert_same_float_dtype as assert_same_float_dtype
from minitf.debugging import assert_shapes as assert_shapes
from minitf.debugging import check_numerics as check_numerics
from minitf.debugging import is_numeric_tensor as is_numeric_tensor
from minitf.ops.elementwise import is_finite as is_finite
from minitf.ops.elementwise import is_inf as is_inf
from minitf.ops.elementwise import is_nan as is_nan
from minitf.ops.formulas import is_non_decreasing as is_non_decreasing
from minitf.ops.formulas import is_strictly_increasing as is_strictly_increasing
from minitf.ops.v1_asserting import assert_equal as assert_equal
from minitf.ops.v1_asserting import assert_greater as assert_greater
from minitf.ops.v1_asserting import assert_greater_equal as assert_greater_equal
from minitf.ops.v1_asserting import assert_integer as assert_integer
from minitf.ops.v1_asserting import assert_less as assert_less
from minitf.ops.v1_asserting import assert_less_equal as assert_less_equal
from minitf.ops.v1_asserting import assert_near as assert_near
from minitf.ops.v1_asserting import assert_negative as assert_negative
from minitf.ops.v1_asserting import assert_non_negative as assert_non_negative
from minitf.ops.v1_asserting import assert_non_positive as assert_non_positive
from minitf.ops.v1_asserting import assert_none_equal as assert_none_equal
from minitf.ops.v1_asserting import assert_positive as assert_positive
from minitf.ops.v1_asserting import assert_rank as assert_rank
from minitf.ops.v1_asserting import assert_rank_at_least as assert_rank_at_least
from minitf.ops.v1_asserting import assert_rank_in as assert_rank_in
from minitf.ops.v1_asserting import assert_scalar as assert_scalar
from minitf.ops.v1_asserting import assert_type as assert_type
from minitf.ops.v1_names import verify_tensor_all_finite as _assert_all_finite

assert_all_finite = _assert_all_finite
