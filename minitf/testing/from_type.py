"""What Hypothesis gets when minitf is installed: ``st.from_type`` knows minitf's types.

Hypothesis calls ``register`` when it is imported, in every environment that has minitf. A type can only be registered when it
exists, and loading minitf for that would cost every test run; so the types are registered when their module is loaded, and the
strategies behind them are made when one is first drawn from.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

KNOWN = {
    "minitf.core.dtypes": {"DType": "dtypes"},
    "minitf.core.spec": {"Spec": "specs", "TensorShape": "tensor_shapes"},
}


def register() -> None:
    """Registers the types of modules that are loaded, and waits for the others."""
    for module in KNOWN:
        if module in sys.modules:
            _register(sys.modules[module])
    waiting = {module for module in KNOWN if module not in sys.modules}
    if waiting and not any(isinstance(finder, _Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Waiting(waiting))


def _register(module: ModuleType) -> None:
    from hypothesis import strategies as st

    for name, strategy in KNOWN[module.__name__].items():
        st.register_type_strategy(getattr(module, name), partial(_drawn, strategy))


def _drawn(strategy: str, _: Any) -> Any:
    from minitf.testing import strategies

    return getattr(strategies, strategy)()


class _Waiting(MetaPathFinder):
    """Finds nothing itself: it lets the module be found as always, and registers its types after it has been loaded."""

    def __init__(self, modules: set[str]):
        self._modules = modules

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module's own spec, with a loader that registers; None for all other modules."""
        if fullname not in self._modules:
            return None
        self._modules.discard(fullname)
        if not self._modules and self in sys.meta_path:
            sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """A module's own loader, and then the registration."""

    def __init__(self, loader: Any):
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the module's own loader."""
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module, puts its own loader back, and registers its types."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _register(module)
