# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.layers.initializers import he_normal as he_normal
from minitf.layers.initializers import he_uniform as he_uniform
from minitf.layers.initializers import lecun_normal as lecun_normal
from minitf.layers.initializers import lecun_uniform as lecun_uniform
from minitf.layers.initializers_v1 import Constant as _constant
from minitf.layers.initializers_v1 import GlorotNormal as _glorot_normal
from minitf.layers.initializers_v1 import GlorotUniform as _glorot_uniform
from minitf.layers.initializers_v1 import Identity as _identity
from minitf.layers.initializers_v1 import Ones as _ones
from minitf.layers.initializers_v1 import Orthogonal as _orthogonal
from minitf.layers.initializers_v1 import RandomNormal as _random_normal
from minitf.layers.initializers_v1 import RandomUniform as _random_uniform
from minitf.layers.initializers_v1 import TruncatedNormal as _truncated_normal
from minitf.layers.initializers_v1 import UniformUnitScaling as _uniform_unit_scaling
from minitf.layers.initializers_v1 import VarianceScaling as _variance_scaling
from minitf.layers.initializers_v1 import Zeros as _zeros
from minitf.runtimes.building import global_variables_initializer as _global_variables
from minitf.runtimes.building import local_variables_initializer as _local_variables
from minitf.runtimes.building import variables_initializer as _variables

constant = _constant
global_variables = _global_variables
glorot_normal = _glorot_normal
glorot_uniform = _glorot_uniform
identity = _identity
local_variables = _local_variables
ones = _ones
orthogonal = _orthogonal
random_normal = _random_normal
random_uniform = _random_uniform
truncated_normal = _truncated_normal
uniform_unit_scaling = _uniform_unit_scaling
variables = _variables
variance_scaling = _variance_scaling
zeros = _zeros
