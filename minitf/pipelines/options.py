"""Settings of a pipeline: kept, given on, and without effect.

They are about threads, optimisations, distribution and the order of what threads bring. There are none of these here, so every
setting is honoured by doing nothing. Programs that set them run unchanged, and read what they have set.
"""

from __future__ import annotations

from typing import Any, ClassVar


class _Settings:
    """Named settings, None until they are set. Raises AttributeError for another name, TypeError for a wrong value."""

    _kinds: ClassVar[dict[str, type]] = {}

    def __init__(self) -> None:
        object.__setattr__(self, "_values", {})

    def __getattr__(self, name: str) -> Any:
        kind = self._kinds.get(name)
        if kind is None:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(sorted(self._kinds))}.")
        if issubclass(kind, _Settings) and name not in self._values:
            self._values[name] = kind()
        return self._values.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        kind = self._kinds.get(name)
        if kind is None:
            raise AttributeError(f"Cannot set {name!r} on {type(self).__name__}; it has {', '.join(sorted(self._kinds))}.")
        if not isinstance(value, kind):
            raise TypeError(f"The setting {name!r} must be a {kind.__name__}, not {value!r}.")
        self._values[name] = value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._said() == other._said()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._said().items())})"

    def _said(self) -> dict[str, Any]:
        return {name: value for name, value in self._values.items() if not isinstance(value, _Settings) or value._said()}

    def _merged(self, newer: Any) -> Any:
        out = type(self)()
        out._values.update({**self._values, **newer._values})
        for name, kind in self._kinds.items():
            if issubclass(kind, _Settings):
                out._values[name] = getattr(self, name)._merged(getattr(newer, name))
        return out


class AutotuneOptions(_Settings):
    """How much TensorFlow may choose by itself."""

    _kinds: ClassVar[dict[str, type]] = {
        "autotune_algorithm": object, "cpu_budget": int, "enabled": bool, "initial_parallelism": int, "min_parallelism": int,
        "ram_budget": int,
    }  # fmt: skip


class DistributeOptions(_Settings):
    """How several machines would share a pipeline."""

    _kinds: ClassVar[dict[str, type]] = {"auto_shard_policy": object, "num_devices": int}


class OptimizationOptions(_Settings):
    """Which steps of a pipeline TensorFlow may join."""

    _kinds: ClassVar[dict[str, type]] = dict.fromkeys(
        """apply_default_optimizations filter_fusion filter_parallelization inject_prefetch map_and_batch_fusion
        map_and_filter_fusion map_fusion map_parallelization noop_elimination parallel_batch seq_interleave_prefetch
        shuffle_and_repeat_fusion""".split(), bool,
    )  # fmt: skip


class ThreadingOptions(_Settings):
    """How many threads TensorFlow may use."""

    _kinds: ClassVar[dict[str, type]] = {"max_intra_op_parallelism": int, "private_threadpool_size": int}


class Options(_Settings):
    """Settings of a dataset, for ``dataset.with_options``. They are kept and given on, and have no effect (see the module).

    Those that have settings of their own (``threading``, ``autotune``, ``experimental_optimization``, ...) are there at once.
    Raises AttributeError for a name that TensorFlow does not have either, TypeError for a value of another type.
    """

    _kinds: ClassVar[dict[str, type]] = {
        "autotune": AutotuneOptions, "dataset_name": str, "deterministic": bool, "experimental_deterministic": bool,
        "experimental_distribute": DistributeOptions, "experimental_external_state_policy": object,
        "experimental_optimization": OptimizationOptions, "experimental_slack": bool, "experimental_symbolic_checkpoint": bool,
        "experimental_threading": ThreadingOptions, "experimental_warm_start": bool, "framework_type": list,
        "threading": ThreadingOptions,
    }  # fmt: skip

    def merge(self, options: Options) -> Options:
        """New options: these, with what the others say instead. Raises TypeError unless the others are Options."""
        if not isinstance(options, Options):
            raise TypeError(f"merge: the other options must be a tf.data.Options, not {options!r}.")
        merged: Options = self._merged(options)
        return merged
