"""The words for causes: what was found, and what to do about it. One line each."""

from __future__ import annotations

from collections.abc import Callable

from minitf.explain.why.causes import Cause, Why


def in_words(cause: Cause) -> Cause:
    """The cause with its text and advice."""
    return cause._replace(text=found(cause), advice=advice(cause))


def advices(causes: list[Cause]) -> list[str]:
    """What to do about all of them: renamed edges are put into one line."""
    renamed = [cause for cause in causes if cause.kind is Why.RENAMED and len(cause.names) == 2]
    together = _renamings([cause.names for cause in renamed])
    merged = dict.fromkeys(renamed, together) if len(renamed) > 1 else {}
    return list(dict.fromkeys(merged.get(cause, cause.advice) for cause in causes))


def _renamings(names: list[tuple[str, ...]]) -> str:
    pairs = ", ".join(f'"{old}": "{new}"' for old, new in names)
    return f"give the attributes their old names, or use CheckpointableSaver(root, matcher=Renamed({{{pairs}}}))"


def found(cause: Cause) -> str:
    """What was found."""
    text = _FOUND[cause.kind](cause)
    more = len(cause.places) - 1
    if more > 0 and cause.kind not in _WHOLE:
        text += f" (and {more} more place{'s' * (more > 1)})"
    return text


def advice(cause: Cause) -> str:
    """What to do."""
    return _ADVICE[cause.kind](cause)


_WHOLE = {
    Why.NEVER_RUN, Why.OTHER_SESSION, Why.OTHER_GRAPH, Why.NO_CHECKPOINT, Why.OTHER_CHECKPOINT, Why.OTHER_ROOT, Why.FAILED,
    Why.SUPERSEDED, Why.COUNTER, Why.NAME_BASED, Why.INITIALISED_AFTER, Why.CAME_AFTER,
}  # fmt: skip


def _detail(cause: Cause) -> str:
    return cause.places[0].detail if cause.places else ""


def _live(cause: Cause) -> str:
    return (cause.places[0].live if cause.places else None) or cause.path


def _saved(cause: Cause) -> str:
    return (cause.places[0].saved if cause.places else None) or cause.path


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _sides(cause: Cause) -> tuple[str, str]:
    """Two lists of names, which a "/" parts."""
    at = cause.names.index("/") if "/" in cause.names else len(cause.names)
    return tuple(_few(side) for side in (cause.names[:at], cause.names[at + 1 :]))  # type: ignore[return-value]


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "") if names else "nothing"


def _superseded(c: Cause) -> str:
    source = f" ({c.names[1]})" if len(c.names) > 1 and c.names[1] else ""
    return f"a later restore, number {c.names[0]}{source}, has reached {_live(c)} and what is restored with it"


def _replaced(c: Cause) -> str:
    return f"{_live(c)} is not the object that was restored: the program put another one in its place afterwards"


def _differ(what: str) -> Callable[[Cause], str]:
    def words(c: Cause) -> str:
        if len(c.names) == 2:
            return f"another {what}: {c.path} is {c.names[0]} in the checkpoint, {c.names[1]} in the program"
        return f"another {what}: {c.path} {'is ' * (' in the program' in _detail(c))}{_detail(c)}"

    return words


_FOUND: dict[Why, Callable[[Cause], str]] = {
    Why.NO_CHECKPOINT: lambda c: "restore was given None, so there is nothing to restore",
    Why.NAME_BASED: lambda c: "the file is name-based (train.Saver): it holds variable names and no objects",
    Why.OTHER_HOME: lambda c: f"{_live(c)} lives in another graph or mode than the one in which restore() was called",
    Why.OTHER_GRAPH: lambda c: "the current session runs another graph than the one in which restore() was called",
    Why.OTHER_SESSION: lambda c: "the restore ops were run in another session than this one",
    Why.NEVER_RUN: lambda c: "the status was never run, so nothing of it is in this session yet",
    Why.CAME_AFTER: lambda c: f"{_live(c)} came after the restore ops had been run",
    Why.INITIALISED_AFTER: lambda c: f"the initialiser of {_live(c)} was run after the restore, and overwrote the value",
    Why.SUPERSEDED: _superseded,
    Why.OTHER_ROOT: lambda c: f"the checkpoint has under {_saved(c)} what the program has under {_live(c)}",
    Why.OTHER_CHECKPOINT: lambda c: f"checkpoint and program share no edge: at the root the checkpoint has {_sides(c)[0]}; the "
    f"program {_sides(c)[1]}",
    Why.RENAMED: lambda c: f"renamed: {_saved(c)} of the checkpoint looks like {_live(c)} of the program",
    Why.OTHER_NAME: lambda c: f"{_saved(c)} of the file looks like the variable at {_live(c)}, which has another name",
    Why.COUNTER: lambda c: f"names shifted by a counter: {_name(_saved(c))} of the checkpoint is {_live(c)} in the program"
    + (f", and so on: {len(c.places)} edges" if len(c.places) > 1 else ""),
    Why.MOVED: lambda c: f"moved: {_saved(c)} of the checkpoint looks like {_live(c)} of the program",
    Why.REORDERED: lambda c: f"the elements of the list {_live(c)} stand in another order than in the checkpoint",
    Why.REPLACED: _replaced,
    Why.GONE: lambda c: f"the object that was restored for {_saved(c)} is in the tree no more",
    Why.UNTRACKED: lambda c: f"{_live(c)} holds an object ({_detail(c)}), but no edge leads to it: it is not tracked",
    Why.PLAIN_VALUE: lambda c: f"{_live(c)} is a plain Python value ({_detail(c)}), nothing that can be restored",
    Why.WRAPPED: lambda c: f"{_live(c)} is a {_detail(c)}, which is not trackable, so what it holds cannot be found",
    Why.LIST_FOR_DICT: lambda c: f"{_live(c)} has numbered edges (a list), but names (a dict or attributes) in the checkpoint",
    Why.DICT_FOR_LIST: lambda c: f"{_live(c)} has named edges (a dict or attributes), but numbers (a list) in the checkpoint",
    Why.NO_OPTIMIZER: lambda c: f"the program has no optimizer at {_saved(c)}, which the saved state waits for",
    Why.OTHER_OPTIMIZER: lambda c: f"{_live(c)} is another optimizer ({_detail(c)}): its state is {_sides(c)[1]}, but the "
    f"checkpoint has {_sides(c)[0]}",
    Why.NOT_MADE_YET: lambda c: f"{_live(c)} ({_detail(c)}) has made nothing yet that could be restored",
    Why.SHAPE: _differ("shape"),
    Why.DTYPE: _differ("dtype"),
    Why.SPLIT: lambda c: f"{_live(c)} and {_detail(c) or 'another object'} are one object in the checkpoint, here two",
    Why.MERGED: lambda c: f"{_live(c)} is one object in the program, and several in the checkpoint: {_saved(c)} is not used",
    Why.OTHER_KIND: lambda c: f"{_live(c)} is another kind of object than in the checkpoint"
    + (f": {_detail(c)}" if _detail(c) else ""),
    Why.STRAY: lambda c: f"the file has {_saved(c)}, which belongs to none of its objects",
    Why.NO_COUNTER: lambda c: "only a Checkpoint has a save_counter, and the checkpoint was written by something else"
    if c.places[0].saved is None
    else "only a Checkpoint has a save_counter, and the root is something else",
    Why.FAILED: lambda c: f"an error: {_detail(c)}",
    Why.ABSENT: lambda c: f"the program has nothing at {_saved(c)}, and nothing that looks like it",
    Why.ADDED: lambda c: f"the checkpoint has nothing for {_live(c)}, and nothing that looks like it",
}


def _rename(c: Cause) -> str:
    if len(c.names) == 2:
        old, new = c.names
        return f'give the attribute its old name {old}, or use CheckpointableSaver(root, matcher=Renamed({{"{old}": "{new}"}}))'
    return "give the attributes their old names, or restore with CheckpointableSaver(root, matcher=Renamed({old: new, ...}))"


def _shifted(c: Cause) -> str:
    names = ", ".join(f'"{_name(p.saved or "")}": "{_name(p.live or "")}"' for p in c.places[:3])
    more = ", ..." if len(c.places) > 3 else ""
    return f"use fixed attribute names, or restore with CheckpointableSaver(root, matcher=Renamed({{{names}{more}}}))"


def _other_root(c: Cause) -> str:
    if c.names and c.names[0] == "below":
        names = _saved(c).split(".")[1:]
        return f"restore through Checkpoint({'.'.join(names[:1])}=...), with the program's root at {'.'.join(names)}"
    return f"restore into {_live(c).replace('(root)', 'root')} instead of the root"


_ADVICE: dict[Why, Callable[[Cause], str]] = {
    Why.NO_CHECKPOINT: lambda c: "look where the checkpoints are: latest_checkpoint gives None for a directory without one",
    Why.NAME_BASED: lambda c: "give variables the names in the file, or write the file again with an object-based saver",
    Why.OTHER_HOME: lambda c: "call restore() where the variables are made: in the same `with graph.as_default():`, or eagerly",
    Why.OTHER_GRAPH: lambda c: "make the session for the graph that restore() was called in: Session(graph=graph)",
    Why.OTHER_SESSION: lambda c: "call status.run_restore_ops(session) with the session that you use",
    Why.NEVER_RUN: lambda c: "call status.run_restore_ops() or status.initialize_or_restore() in the session",
    Why.CAME_AFTER: lambda c: "run the status again, or let streaming_restore(status) do it",
    Why.INITIALISED_AFTER: lambda c: "run initialisers first, or use status.initialize_or_restore() instead of both",
    Why.SUPERSEDED: lambda c: "ask the status of the later restore, or leave that restore out",
    Why.OTHER_ROOT: _other_root,
    Why.OTHER_CHECKPOINT: lambda c: "check the path: this checkpoint was probably written by another program",
    Why.RENAMED: _rename,
    Why.OTHER_NAME: lambda c: f"give the variable the name {_saved(c)}, or use Saver({{{_saved(c)!r}: variable, ...}})",
    Why.COUNTER: _shifted,
    Why.MOVED: lambda c: f"attach the object at {_saved(c)} again",
    Why.REORDERED: lambda c: "build the list in the order in which it was saved, or keep the elements in a dict",
    Why.REPLACED: lambda c: "restore after the object is in its place, or keep the object and change its contents",
    Why.GONE: lambda c: "keep a reference to the restored object, as an attribute of the tree",
    Why.UNTRACKED: lambda c: "assign it without NoDependency (or call track), so that there is an edge",
    Why.PLAIN_VALUE: lambda c: "put the value into a tf.Variable, or into a PythonState object",
    Why.WRAPPED: lambda c: "derive the wrapper from tf.Module (or AutoTrackable), or assign what it holds to an attribute, too",
    Why.LIST_FOR_DICT: lambda c: "use the kind of container that was saved: a dict with the same keys, or attributes",
    Why.DICT_FOR_LIST: lambda c: "use the kind of container that was saved: a list",
    Why.NO_OPTIMIZER: lambda c: f"attach an optimizer there, or call expect_partial() if {_name(_saved(c))} is not needed",
    Why.OTHER_OPTIMIZER: lambda c: "use the optimizer that was saved"
    + (" (with slots: one of tf.train or tf.keras.optimizers.legacy)" if "a list" in _sides(c)[1] else "")
    + ", or restore the model without it",
    Why.NOT_MADE_YET: lambda c: "nothing, if it is made later: values arrive then. To have them now, build or call it first",
    Why.SHAPE: lambda c: "make the variable with the saved shape; nothing is reshaped",
    Why.DTYPE: lambda c: "make the variable with the saved dtype; nothing is cast",
    Why.SPLIT: lambda c: "use one object in both places, or restore into the first and copy",
    Why.MERGED: lambda c: "use separate objects, as they were saved, if their values matter",
    Why.OTHER_KIND: lambda c: "attach an object of the kind that was saved",
    Why.NO_COUNTER: lambda c: "restore with the kind of saver that wrote it (Checkpoint.read asks for no counter)",
    Why.STRAY: lambda c: "read it with tf.train.load_variable, if it is needed",
    Why.FAILED: lambda c: "see the error",
    Why.ABSENT: lambda c: "attach it under this path, or call expect_partial() if it is not needed",
    Why.ADDED: lambda c: "initialise it (initialize_or_restore() does in a graph), or restore a checkpoint that has it",
}
