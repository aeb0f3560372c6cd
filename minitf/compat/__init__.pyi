# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

import minitf as _v2
from minitf.compat import v1 as v1

v2 = _v2
