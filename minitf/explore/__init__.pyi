# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.core.schedule import ProgramOrder as ProgramOrder
from minitf.core.schedule import Scheduler as Scheduler
from minitf.explore.checking import check as check
from minitf.explore.checking import replay as replay
from minitf.explore.database import FailureDatabase as FailureDatabase
from minitf.explore.errors import ExplorationError as ExplorationError
from minitf.explore.errors import NondeterminismError as NondeterminismError
from minitf.explore.errors import OutcomeError as OutcomeError
from minitf.explore.errors import TokenError as TokenError
from minitf.explore.exhaustive import Exhaustive as Exhaustive
from minitf.explore.orders import Bounded as Bounded
from minitf.explore.orders import Pct as Pct
from minitf.explore.orders import Random as Random
from minitf.explore.orders import Replay as Replay
from minitf.explore.recording import Moment as Moment
from minitf.explore.report import Failure as Failure
from minitf.explore.report import FailureFound as FailureFound
from minitf.explore.report import Report as Report
from minitf.explore.steps import ANYTHING as ANYTHING
from minitf.explore.steps import Access as Access
from minitf.explore.steps import NOTHING as NOTHING
from minitf.explore.steps import reads as reads
from minitf.explore.steps import writes as writes
