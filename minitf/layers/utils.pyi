# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.layers.batches import pack_x_y_sample_weight as pack_x_y_sample_weight
from minitf.layers.batches import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from minitf.layers.data_tools import normalize as normalize
from minitf.layers.data_tools import pad_sequences as pad_sequences
from minitf.layers.data_tools import set_random_seed as set_random_seed
from minitf.layers.data_tools import to_categorical as to_categorical
