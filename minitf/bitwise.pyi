# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.ops.comparisons import bitwise_and as bitwise_and
from minitf.ops.comparisons import bitwise_or as bitwise_or
from minitf.ops.comparisons import bitwise_xor as bitwise_xor
from minitf.ops.comparisons import invert as invert
