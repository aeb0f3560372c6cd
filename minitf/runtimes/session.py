"""Sessions run graphs and hold the values of their variables.

``run`` takes fetches of any nesting and a feed of any tensor. For each pair (fetches, fed tensors) a plan is compiled once and
kept. Two sessions of one graph share nothing but the graph.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn
from weakref import WeakSet

import numpy as np

from minitf.core import runtime
from minitf.core.around import around
from minitf.core.schedule import Scheduler
from minitf.core.state import SessionStore
from minitf.core.tensor import SymbolicTensor
from minitf.runtimes.executor import execute
from minitf.runtimes.feeding import fed_value, taking
from minitf.runtimes.graph import Graph, _session
from minitf.runtimes.plan import Plan, silently
from minitf.runtimes.session_options import check_config, check_run

_MOST_RUNS = 1000

sessions: WeakSet[Session] = WeakSet()  # those that are alive


class SessionDevice(NamedTuple):
    """A device of a session; ``memory_limit_bytes`` is 0: there is no limit."""

    name: str
    device_type: str
    memory_limit_bytes: int


class Session:
    """Runs operations and tensors of a graph.

    * ``graph``: the graph to run, by default the current one.
    * ``config``: a ``ConfigProto``, accepted for TensorFlow's sake: there is one device. Raises TypeError for anything else.
    * ``scheduler``: chooses among operations that are ready (see ``minitf.explore``); without one, program order in a compiled
      plan.
    * ``kernels``: replaces kernels by op name.
    * ``plan=False`` runs operation by operation, as a scheduler would, in program order.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None, *, scheduler: Scheduler | None = None,
                 kernels: Mapping[str, Callable[..., Any]] | None = None, plan: bool = True):  # fmt: skip
        if graph is None:
            graph = current_graph()
        if not isinstance(graph, Graph):
            raise TypeError(f"Session(graph=...) must be a tf.Graph, not {graph!r}.")
        if config is not None:
            check_config(config)
        self.graph = graph
        self.scheduler = scheduler
        self.kernels = dict(kernels or {})
        self._store: SessionStore | None = SessionStore()
        self._compiles = plan and scheduler is None
        self._plans: dict[Any, Plan] = {}
        self._runs: dict[Any, Any] = {}  # by ids of fetches, and feeds: what _prepare found
        self._alone: dict[int, tuple[Callable[[], Any], Any]] = {}  # by the id of a fetch that is no structure, without feeds
        self._entered: list[Any] = []
        self.execute_with(around("executor", execute))
        sessions.add(self)

    def execute_with(self, executor: Callable[..., Any]) -> None:
        """Lets ``executor`` do the runs (it has the arguments of ``executor.execute``); with that one itself, plans do."""
        self.executor = executor
        self._plan = self._compiles and executor is execute
        self._forget_runs()

    def _forget_runs(self) -> None:
        self._runs.clear()
        self._alone.clear()

    @property
    def store(self) -> SessionStore:
        """The values of this session's variables. Raises RuntimeError if the session is closed."""
        if self._store is None:
            raise RuntimeError("Attempted to use a closed Session.")
        return self._store

    @property
    def plain(self) -> bool:
        """True if operations run in program order with their own kernels: then only the results of a run can be seen."""
        return self._plan and not self.kernels

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None, options: Any = None,
            run_metadata: Any = None) -> Any:  # fmt: skip
        """Computes the fetches and gives their values in the same structure.

        ``fetches``: a tensor, operation (its value is None), variable, name, or lists, tuples, named tuples and dicts of these.
        ``feed_dict``: values by tensor; any tensor of the graph can be fed. Raises FailedPreconditionError for a variable
        without a value, InvalidArgumentError for a placeholder without one, TypeError for things that cannot be fetched.
        ``options`` and ``run_metadata``: ``RunOptions`` and ``RunMetadata``, without effect (the latter stays empty).
        """
        if options is not None or run_metadata is not None:
            check_run(options, run_metadata)
        if not feed_dict:
            alone = self._alone.get(id(fetches))
            if alone is not None:
                return alone[0]()
            feed_dict = {}
        several = type(fetches) is list  # the number of its fetches, which is no id, keeps it apart from one fetch
        key = (*map(id, fetches), len(fetches), *feed_dict) if several else (id(fetches), *feed_dict)
        leaves, feeds, rebuild, plan, taken, _ = self._runs.get(key) or self._prepare(fetches, feed_dict, key, several)
        if plan is not None and self._plan:
            fed = taken(*feed_dict.values())
            values = plan(fed) if plan.quiet else silently(plan, fed)
        else:
            values = self._execute(leaves, feeds, [fed_value(t, v) for t, v in zip(feeds, feed_dict.values(), strict=True)])
        return values[0] if rebuild is next else list(values) if rebuild is list else rebuild(iter(values))

    def _execute(self, leaves: list[Any], feeds: list[SymbolicTensor], fed: list[Any]) -> Sequence[Any]:
        if self._plan:
            return silently(self._plan_for(leaves, feeds), fed)  # type: ignore[no-any-return]
        with np.errstate(all="ignore"):
            return self.executor(leaves, feeds, fed, self.store, self.kernels, self.scheduler)  # type: ignore[no-any-return]

    def _prepare(self, fetches: Any, feed_dict: Mapping[Any, Any], key: Any, several: bool) -> Any:
        """What a run needs: tensors and operations, feeds, how results are put together, the plan, how it takes fed values, and
        what keeps ids taken.

        It is kept for a fetch that is no structure, or a list of such.
        """
        self.store  # noqa: B018  (raises if closed)
        leaves: list[Any] = []
        rebuild: Any = self._flatten(fetches, leaves)
        feeds = [self.graph.as_graph_element(t, allow_operation=False) for t in feed_dict]
        self.graph.check_run(leaves, feeds)
        flat = several and not any(isinstance(f, (list, tuple, dict)) for f in fetches)
        if not flat and isinstance(fetches, (list, tuple, dict)):
            return leaves, feeds, rebuild, None, None, None
        plan = self._plan_for(leaves, feeds) if self._plan else None
        taken = None if plan is None else taking(feeds, plan.may_keep)
        known = (leaves, feeds, list if flat else rebuild, plan, taken, list(fetches) if several else fetches)
        if plan is not None:
            if len(self._runs) >= _MOST_RUNS:
                self._forget_runs()
            self._runs[key] = known
            if not several and not feeds:
                self._alone[id(fetches)] = plan.alone, fetches
        return known

    def _plan_for(self, leaves: list[Any], feeds: list[SymbolicTensor]) -> Plan:
        key = (tuple(map(id, leaves)), tuple(map(id, feeds)))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = Plan(leaves, feeds, self.store, self.kernels)
        return plan

    def _flatten(self, fetches: Any, leaves: list[Any]) -> Callable[[Iterator[Any]], Any]:
        if isinstance(fetches, (list, tuple)):
            parts = [self._flatten(f, leaves) for f in fetches]
            kind = type(fetches)
            if hasattr(fetches, "_fields"):
                return lambda values: kind(*[p(values) for p in parts])
            if isinstance(fetches, tuple):
                return lambda values: tuple(p(values) for p in parts)
            return lambda values: [p(values) for p in parts]
        if isinstance(fetches, dict):
            keys, parts = list(fetches), [self._flatten(f, leaves) for f in fetches.values()]
            make = type(fetches)
            return lambda values: make(zip(keys, [p(values) for p in parts], strict=True))
        if fetches is None:
            raise TypeError(
                "Cannot fetch None. Fetch tensors, operations, variables, names, or lists, tuples and dicts of these."
            )
        try:
            leaves.append(self.graph.as_graph_element(fetches))
        except KeyError as e:
            raise ValueError(f"Cannot fetch {fetches!r}: {e.args[0]}") from None
        except TypeError:
            raise TypeError(
                f"Cannot fetch {fetches!r} (a {type(fetches).__name__}). Fetch tensors, operations, variables, names, or "
                "lists, tuples and dicts of these."
            ) from None
        return next

    def make_callable(self, fetches: Any, feed_list: Any = None) -> Callable[..., Any]:
        """A function of the fed values, in the order of ``feed_list``."""
        feeds = list(feed_list or [])

        def call(*values: Any) -> Any:
            if len(values) != len(feeds):
                raise TypeError(
                    f"This callable takes {len(feeds)} values, one for each tensor of feed_list, but got {len(values)}."
                )
            return self.run(fetches, dict(zip(feeds, values, strict=True)))

        return call

    def list_devices(self) -> list[SessionDevice]:
        """The devices that the session can use: the CPU."""
        self.store  # noqa: B018  (raises if closed)
        return [SessionDevice("/job:localhost/replica:0/task:0/device:CPU:0", "CPU", 0)]

    @staticmethod
    def reset(target: str, containers: Any = None, config: Any = None) -> None:
        """Does nothing: it would empty containers at another machine, and there is none. ``close`` empties a session."""
        check_config(config)

    def close(self) -> None:
        """Forgets all values. Using the session afterwards raises RuntimeError."""
        self._store = None
        self._plans.clear()
        self._forget_runs()

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """``with session.as_default():`` makes it the default session; it stays open afterwards."""
        token = _session.set(self)
        try:
            yield self
        finally:
            _session.reset(token)

    def __enter__(self) -> Session:
        self.store  # noqa: B018  (raises if closed)
        graph = self.graph.as_default()
        graph.__enter__()
        self._entered.append((threading.get_ident(), graph, _session.set(self)))
        return self

    def __exit__(self, *exc: Any) -> None:
        mine = next(e for e in reversed(list(self._entered)) if e[0] == threading.get_ident())
        self._entered.remove(mine)  # several threads may be inside
        _, graph, token = mine
        _session.reset(token)
        graph.__exit__(None, None, None)
        if not self._entered:
            self.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A session cannot be copied or pickled. Save its variables with a checkpoint and restore them elsewhere."
        )

    def __repr__(self) -> str:
        return f"<tf.Session of {self.graph!r}{' (closed)' if self._store is None else ''}>"


class InteractiveSession(Session):
    """A session that makes itself (and its graph) the default until it is closed; for prompts and notebooks."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None, **options: Any):
        super().__init__(target, graph, config, **options)
        self.__enter__()

    def close(self) -> None:
        """Ends being the default and forgets all values."""
        if self._entered:
            (_, graph, token), self._entered = self._entered[-1], []
            _session.reset(token)
            graph.__exit__(None, None, None)
        super().close()


_process_graphs: list[list[Graph]] = [[]]  # the last one has the default graph, if there is one yet


def current_graph() -> Graph:
    """The graph being built, or the process's default graph."""
    return runtime.current().home.graph_being_built() or process_graph()


def process_graph() -> Graph:
    """The process's default graph, which exists from its first use."""
    mine = _process_graphs[-1]
    if not mine:
        mine.append(Graph())
    return mine[0]


def reset_default_graph() -> None:
    """Replaces the process's default graph by an empty one. Raises AssertionError inside ``with graph.as_default():``."""
    building = runtime.current().home.graph_being_built()
    if building is not None and building not in _process_graphs[-1]:
        raise AssertionError("Do not call reset_default_graph() while another graph is entered: leave its `with` block first.")
    _process_graphs[-1].clear()


class as_in_a_new_process:  # it is called as a function is; explorers enter one for each execution
    """Inside, the process has another default graph, an empty one, so that all names are numbered from the beginning."""

    __slots__ = ("_graphs",)

    def __enter__(self) -> None:
        self._graphs: list[Graph] = []
        _process_graphs.append(self._graphs)

    def __exit__(self, *_: object) -> None:
        del _process_graphs[next(n for n in reversed(range(len(_process_graphs))) if _process_graphs[n] is self._graphs)]
