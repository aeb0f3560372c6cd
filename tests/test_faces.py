"""The faces: modules that have TensorFlow's familiar names and no code.

``python tests/test_faces.py`` writes their stubs anew.
"""

import ast
import importlib
from pathlib import Path

import pytest

import minitf

PACKAGE = Path(minitf.__file__).parent
FRONT = PACKAGE / "__init__.py"
FACES = sorted(path for path in PACKAGE.rglob("*.py") if "__all__ = names_from(" in path.read_text(encoding="utf-8"))
FACES.remove(PACKAGE / "core" / "lazy.py")
IDS = [str(path.relative_to(PACKAGE)) for path in FACES]
for_each_face = pytest.mark.parametrize("path", FACES, ids=IDS)


def module_of(path):
    return ".".join(("minitf", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def table_of(path):
    """What a face says to ``names_from``: {module: names}, submodules, (module, name) of those that it has besides."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    given = {s.targets[0].id: s.value for s in tree.body if isinstance(s, ast.Assign) and isinstance(s.targets[0], ast.Name)}
    [call] = [s.value for s in tree.body if isinstance(s, ast.Assign) and ast.unparse(s.value).startswith("names_from(")]
    literal = lambda node: ast.literal_eval(given[node.id] if isinstance(node, ast.Name) else node)
    options = {k.arg: literal(k.value) for k in call.keywords}
    besides, without = options.get("besides"), options.get("without", "").split()
    more = importlib.import_module(besides).__all__ if besides else []
    return literal(call.args[1]), options.get("submodules", "").split(), [(besides, n) for n in more if n not in without]


def stub_of(path):
    """The face as plain imports. In a stub only ``import x as x`` hands a name on; other names are assigned."""
    where, submodules, besides = table_of(path)
    module, imports, renamed = module_of(path), set(), {}
    entries = [(module, name, name) for name in submodules]
    for source, names in where.items():
        for theirs, _, ours in (entry.partition("=") for entry in names.split()):
            entries.append((*source.rpartition(".")[::2], ours) if theirs == "*" else (source, theirs, ours or theirs))
    own = {ours for _, _, ours in entries}
    entries += [(source, name, name) for source, name in besides if name not in {*own, "__version__"}]
    for source, theirs, ours in entries:
        hidden = ours if ours == theirs else f"_{ours}"
        imports.add((source, f"from {source} import {theirs} as {hidden}" if source else f"import {theirs} as {hidden}"))
        if hidden != ours:
            renamed[ours] = f"{ours} = {hidden}"
    note = "# The names of the module beside it, for tools that read types. Written by tests/test_faces.py."
    blocks = [[note], [line for _, line in sorted(imports)], [renamed[ours] for ours in sorted(renamed)]]
    if path == FRONT:
        blocks.append(["__version__: str"])
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def test_there_are_faces():
    assert {"__init__.py", "train/__init__.py", "compat/v1.py", "compat/v1_train.py", "math.py", "keras.py"} <= set(IDS)


@for_each_face
def test_a_face_has_no_code_of_its_own(path):
    docstring, *statements = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    imports = {ast.unparse(s) for s in statements if isinstance(s, (ast.Import, ast.ImportFrom))}
    rest = [s for s in statements if not isinstance(s, (ast.Import, ast.ImportFrom))]
    if path != FRONT:  # which also looks up the version
        assert imports <= {"from __future__ import annotations", "from minitf.core.lazy import names_from"}
        assert all(isinstance(s, ast.Assign) for s in rest)
        assert ast.unparse(rest[-1]).startswith("__getattr__, __dir__, __all__ = names_from(__name__, ")
        assert len(rest) <= 2


@for_each_face
def test_its_names_are_sorted_each_once_and_all_there(path):
    face = importlib.import_module(module_of(path))
    names = [name for name in face.__all__ if name != "__version__"]
    assert names == sorted(set(names))
    assert set(names) <= set(dir(face))
    missing = [name for name in face.__all__ if not hasattr(face, name)]
    assert not missing
    with pytest.raises(AttributeError, match="no attribute 'quux'"):
        face.quux


@for_each_face
def test_each_name_is_given_once(path):
    where, submodules, _ = table_of(path)
    names = [entry.rpartition("=")[2] for names in where.values() for entry in names.split()] + submodules
    assert sorted(names) == sorted(set(names))


@for_each_face
def test_its_stub_has_the_same_names(path):
    assert path.with_suffix(".pyi").read_text(encoding="utf-8") == stub_of(path), "run: python tests/test_faces.py"


def test_a_face_suggests_the_name_that_was_meant():
    with pytest.raises(AttributeError, match="Did you mean 'CheckpointManager'"):
        minitf.train.CheckpointManger


def test_the_two_checkpoints():
    import minitf.compat.v1 as v1

    assert minitf.train.Checkpoint is not v1.train.Checkpoint
    assert issubclass(v1.train.Checkpoint, minitf.train.Checkpoint)
    assert v1.train.Saver is minitf.train.Saver
    assert minitf.compat.v2 is minitf
    assert minitf.train.experimental.PythonState is minitf.train.PythonState


# -- what is promised ------------------------------------------------------------------------------------------------------

PROMISED = {
    "minitf": """
        Graph Session InteractiveSession Operation Tensor TensorShape Variable Module get_default_graph get_default_session
        executing_eagerly init_scope reset_default_graph placeholder placeholder_with_default constant convert_to_tensor
        function control_dependencies group tuple no_op identity cond while_loop name_scope variable_scope get_variable
        global_variables trainable_variables local_variables global_variables_initializer variables_initializer
        is_variable_initialized report_uninitialized_variables GradientTape gradients stop_gradient custom_gradient device
        float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128 string
        DType as_dtype float8_e5m2 float8_e4m3fn int4 uint4 errors random math nn CheckpointableSaver make_template
        capture_dependencies keras layers testing train compat""",
    "minitf.compat.v1": """
        disable_eager_execution enable_eager_execution disable_v2_behavior Session placeholder get_variable variable_scope
        global_variables_initializer train AUTO_REUSE""",
    "minitf.errors": """
        OpError NotFoundError DataLossError InvalidArgumentError FailedPreconditionError OutOfRangeError UnimplementedError""",
    "minitf.train": """
        CheckpointableSaver Checkpoint CheckpointManager Saver latest_checkpoint get_checkpoint_state update_checkpoint_state
        checkpoint_exists remove_checkpoint checkpoints_iterator get_checkpoint_mtimes load_checkpoint load_variable
        list_variables NewCheckpointReader CheckpointLoadStatus InitializationOnlyStatus NameBasedSaverStatus object_metadata
        list_objects gather_initializers NoDependency PythonState experimental Trackable AutoTrackable track children
        add_variable add_variable_with_getter no_automatic_dependency_tracking List Mapping UniqueNameTracker NumpyState
        SaveableObject SaveSpec PythonStringStateSaveable serialize_object_graph dot_graph_from_checkpoint frozen_saver
        GradientDescentOptimizer MomentumOptimizer AdagradOptimizer RMSPropOptimizer AdamOptimizer ExponentialMovingAverage
        get_or_create_global_step""",
    "minitf.train.experimental": "MaxShardSizePolicy PythonState ShardByTaskPolicy ShardableTensor ShardingCallback",
    "minitf.compat.v1_train": """
        ChiefSessionCreator CheckpointSaverHook CheckpointSaverListener Coordinator FeedFnHook FinalOpsHook GlobalStepWaiterHook
        LoggingTensorHook MonitoredSession MonitoredTrainingSession NanLossDuringTrainingError NanTensorHook Scaffold
        SecondOrStepTimer SessionCreator SessionManager SessionRunArgs SessionRunContext SessionRunHook SessionRunValues
        SingularMonitoredSession StepCounterHook StopAtStepHook Supervisor WorkerSessionCreator""",
    "minitf.keras": "Model Sequential layers",
}


@pytest.mark.parametrize("module", PROMISED)
def test_every_promised_name_is_there(module):
    face = importlib.import_module(module)
    assert [name for name in PROMISED[module].split() if not hasattr(face, name)] == []


if __name__ == "__main__":
    for face in FACES:
        face.with_suffix(".pyi").write_text(stub_of(face), encoding="utf-8")
