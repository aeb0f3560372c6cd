# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.objects.generator import Generator as Generator
from minitf.objects.generator import get_global_generator as get_global_generator
from minitf.objects.generator import set_global_generator as set_global_generator
from minitf.ops.random import categorical as categorical
from minitf.ops.random import normal as normal
from minitf.ops.random import set_seed as set_seed
from minitf.ops.random import shuffle as shuffle
from minitf.ops.random import truncated_normal as truncated_normal
from minitf.ops.random import uniform as uniform
from minitf.ops.stateless import stateless_categorical as stateless_categorical
from minitf.ops.stateless import stateless_normal as stateless_normal
from minitf.ops.stateless import stateless_truncated_normal as stateless_truncated_normal
from minitf.ops.stateless import stateless_uniform as stateless_uniform
