# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.data import AUTOTUNE as AUTOTUNE
from minitf.data import Dataset as Dataset
from minitf.data import DatasetSpec as DatasetSpec
from minitf.data import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from minitf.data import Iterator as Iterator
from minitf.data import NumpyIterator as NumpyIterator
from minitf.data import Options as Options
from minitf.data import ThreadingOptions as ThreadingOptions
from minitf.data import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from minitf.data import digits as digits
from minitf.data import experimental as experimental
from minitf.data import load_digits as load_digits
from minitf.pipelines.in_graphs import get_output_shapes as get_output_shapes
from minitf.pipelines.in_graphs import get_output_types as get_output_types
from minitf.pipelines.in_graphs import make_initializable_iterator as make_initializable_iterator
from minitf.pipelines.in_graphs import make_one_shot_iterator as make_one_shot_iterator
