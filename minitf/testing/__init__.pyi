# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.testing import conformance as conformance
from minitf.testing import laws as laws
from minitf.testing import model as model
from minitf.testing import strategies as strategies
from minitf.testing import twins as twins
from minitf.testing import walks as walks
from minitf.testing.divergence import Divergence as Divergence
from minitf.testing.machine import RestoreMachine as RestoreMachine
from minitf.testing.object_graphs import Add as Add
from minitf.testing.object_graphs import Drop as Drop
from minitf.testing.object_graphs import ObjectGraph as ObjectGraph
from minitf.testing.object_graphs import Rename as Rename
from minitf.testing.object_graphs import Swap as Swap
from minitf.testing.object_graphs import edited as edited
from minitf.testing.op_programs import Call as Call
from minitf.testing.op_programs import OpProgram as OpProgram
from minitf.testing.op_programs import Result as Result
from minitf.testing.op_programs import check_parity as check_parity
from minitf.testing.ops import check_gradients as check_gradients
from minitf.testing.ops import check_op as check_op
from minitf.testing.ops import check_op_gradients as check_op_gradients
from minitf.testing.twins import Twins as Twins
