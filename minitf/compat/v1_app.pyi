# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.environment import flags as flags
from minitf.environment.app import run as run
