# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.checkpoint.sharding.callback import ShardableTensor as ShardableTensor
from minitf.checkpoint.sharding.callback import ShardingCallback as ShardingCallback
from minitf.checkpoint.sharding.policies import MaxShardSizePolicy as MaxShardSizePolicy
from minitf.checkpoint.sharding.policies import ShardByTaskPolicy as ShardByTaskPolicy
from minitf.objects.python_state import PythonState as PythonState
