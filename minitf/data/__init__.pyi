# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.data import experimental as experimental
from minitf.data.handwriting import digits as digits
from minitf.data.handwriting import load_digits as load_digits
from minitf.pipelines.dataset import Dataset as Dataset
from minitf.pipelines.described import AUTOTUNE as AUTOTUNE
from minitf.pipelines.described import INFINITE as _INFINITE_CARDINALITY
from minitf.pipelines.described import UNKNOWN as _UNKNOWN_CARDINALITY
from minitf.pipelines.elements import DatasetSpec as DatasetSpec
from minitf.pipelines.iterator import Iterator as Iterator
from minitf.pipelines.iterator import NumpyIterator as NumpyIterator
from minitf.pipelines.options import Options as Options
from minitf.pipelines.options import ThreadingOptions as ThreadingOptions

INFINITE_CARDINALITY = _INFINITE_CARDINALITY
UNKNOWN_CARDINALITY = _UNKNOWN_CARDINALITY
