# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.ops.strings import as_string as as_string
from minitf.ops.strings import join as join
from minitf.ops.strings import length as length
from minitf.ops.strings import lower as lower
from minitf.ops.strings import reduce_join as reduce_join
from minitf.ops.strings import regex_full_match as regex_full_match
from minitf.ops.strings import regex_replace as regex_replace
from minitf.ops.strings import strip as strip
from minitf.ops.strings import substr as substr
from minitf.ops.strings import to_number as to_number
from minitf.ops.strings import upper as upper
