# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.layers.model import Model as Model
from minitf.layers.sequential import Sequential as Sequential
