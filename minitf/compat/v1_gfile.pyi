# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.environment.gfile import GFile as GFile
from minitf.environment.gfile import GFile as _FastGFile
from minitf.environment.gfile import GFile as _Open
from minitf.environment.gfile import copy as _Copy
from minitf.environment.gfile import exists as _Exists
from minitf.environment.gfile import glob as _Glob
from minitf.environment.gfile import isdir as _IsDirectory
from minitf.environment.gfile import listdir as _ListDirectory
from minitf.environment.gfile import makedirs as _MakeDirs
from minitf.environment.gfile import mkdir as _MkDir
from minitf.environment.gfile import remove as _Remove
from minitf.environment.gfile import rename as _Rename
from minitf.environment.gfile import rmtree as _DeleteRecursively
from minitf.environment.gfile import stat as _Stat
from minitf.environment.gfile import walk as _Walk

Copy = _Copy
DeleteRecursively = _DeleteRecursively
Exists = _Exists
FastGFile = _FastGFile
Glob = _Glob
IsDirectory = _IsDirectory
ListDirectory = _ListDirectory
MakeDirs = _MakeDirs
MkDir = _MkDir
Open = _Open
Remove = _Remove
Rename = _Rename
Stat = _Stat
Walk = _Walk
