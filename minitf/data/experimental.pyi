# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.pipelines.described import AUTOTUNE as AUTOTUNE
from minitf.pipelines.described import INFINITE as _INFINITE_CARDINALITY
from minitf.pipelines.described import UNKNOWN as _UNKNOWN_CARDINALITY
from minitf.pipelines.options import AutotuneOptions as AutotuneOptions
from minitf.pipelines.options import DistributeOptions as DistributeOptions
from minitf.pipelines.options import OptimizationOptions as OptimizationOptions
from minitf.pipelines.options import ThreadingOptions as ThreadingOptions
from minitf.pipelines.transformations import assert_cardinality as assert_cardinality
from minitf.pipelines.transformations import cardinality as cardinality
from minitf.pipelines.transformations import enumerate_dataset as enumerate_dataset
from minitf.pipelines.transformations import get_single_element as get_single_element
from minitf.pipelines.transformations import map_and_batch as map_and_batch
from minitf.pipelines.transformations import scan as scan
from minitf.pipelines.transformations import shuffle_and_repeat as shuffle_and_repeat
from minitf.pipelines.transformations import take_while as take_while
from minitf.pipelines.transformations import unbatch as unbatch
from minitf.pipelines.transformations import unique as unique

INFINITE_CARDINALITY = _INFINITE_CARDINALITY
UNKNOWN_CARDINALITY = _UNKNOWN_CARDINALITY
