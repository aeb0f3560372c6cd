# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.optimizers import legacy as legacy
from minitf.optimizers import schedules as schedules
from minitf.optimizers.keras.adam import Adam as Adam
from minitf.optimizers.keras.adam import AdamW as AdamW
from minitf.optimizers.keras.adam import Adamax as Adamax
from minitf.optimizers.keras.adam import Nadam as Nadam
from minitf.optimizers.keras.adaptive import Adadelta as Adadelta
from minitf.optimizers.keras.adaptive import Adagrad as Adagrad
from minitf.optimizers.keras.adaptive import Ftrl as Ftrl
from minitf.optimizers.keras.adaptive import RMSprop as RMSprop
from minitf.optimizers.keras.chosen import get as get
from minitf.optimizers.keras.descent import Lion as Lion
from minitf.optimizers.keras.descent import SGD as SGD
from minitf.optimizers.keras.optimizer import Optimizer as Optimizer
