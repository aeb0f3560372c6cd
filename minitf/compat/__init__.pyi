# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

import minitf as _v2
from minitf.compat import v1 as v1
from minitf.core.dimension import dimension_at_index as dimension_at_index
from minitf.core.dimension import dimension_value as dimension_value
from minitf.core.texts import as_bytes as as_bytes
from minitf.core.texts import as_str as as_str
from minitf.core.texts import as_str_any as as_str_any
from minitf.core.texts import as_text as as_text
from minitf.core.texts import bytes_or_text_types as bytes_or_text_types
from minitf.core.texts import complex_types as complex_types
from minitf.core.texts import forward_compatible as forward_compatible
from minitf.core.texts import integral_types as integral_types
from minitf.core.texts import path_to_str as path_to_str
from minitf.core.texts import real_types as real_types

v2 = _v2
