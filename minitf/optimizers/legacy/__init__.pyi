# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.optimizers.legacy.adam import Adam as Adam
from minitf.optimizers.legacy.adam import Adamax as Adamax
from minitf.optimizers.legacy.adam import Nadam as Nadam
from minitf.optimizers.legacy.adaptive import Adadelta as Adadelta
from minitf.optimizers.legacy.adaptive import Adagrad as Adagrad
from minitf.optimizers.legacy.adaptive import Ftrl as Ftrl
from minitf.optimizers.legacy.adaptive import RMSprop as RMSprop
from minitf.optimizers.legacy.descent import SGD as SGD
from minitf.optimizers.legacy.optimizer import Optimizer as Optimizer
