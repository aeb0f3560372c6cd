# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.environment import gfile as gfile
