# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf import layers as layers
from minitf.layers import activations as activations
from minitf.layers import callbacks as callbacks
from minitf.layers import constraints as constraints
from minitf.layers import initializers as initializers
from minitf.layers import losses as losses
from minitf.layers import metrics as metrics
from minitf.layers import models as models
from minitf.layers import regularizers as regularizers
from minitf.layers import utils as utils
from minitf.layers.model import Model as Model
from minitf.layers.sequential import Input as Input
from minitf.layers.sequential import Sequential as Sequential
from minitf.optimizers import keras as _optimizers

optimizers = _optimizers
