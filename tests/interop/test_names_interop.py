"""Every name of a face is TensorFlow's, or is listed here as minitf's own."""

import importlib
import json

import pytest

pytestmark = pytest.mark.interop

# minitf's own names, names that TensorFlow 1.x had under contrib or in internal modules, and dtypes of tf.dtypes.experimental.
OWN = {
    "minitf": """
        CheckpointableSaver Eager EagerVariableStore Op add_variable capture_dependencies errors explore layers op optimizers
        Renamed record side_by_side testing using variant float4_e2m1fn float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz
        float8_e5m2 float8_e5m2fnuz int2 int4 uint2 uint4""",
    "minitf.train": """
        AutoTrackable CheckpointLoadStatus CheckpointableSaver InitializationOnlyStatus List Mapping NameBasedSaverStatus
        NoDependency NumpyState PythonState PythonStringStateSaveable SaveSpec SaveableObject Trackable UniqueNameTracker
        add_variable add_variable_with_getter children dot_graph_from_checkpoint frozen_saver gather_initializers
        list_objects no_automatic_dependency_tracking object_metadata serialize_object_graph streaming_restore track
        CheckpointReader CheckpointState""",
    "minitf.data": "digits load_digits",
    "minitf.compat.v1_train": "CheckpointView TrackableView",  # of 2.x; they serve both
}
FACES = [
    "minitf", "minitf.bitwise", "minitf.compat", "minitf.compat.v1", "minitf.compat.v1_app", "minitf.compat.v1_data",
    "minitf.compat.v1_debugging", "minitf.compat.v1_gfile", "minitf.compat.v1_train", "minitf.config",
    "minitf.config.experimental", "minitf.data", "minitf.data.experimental", "minitf.dtypes", "minitf.io", "minitf.linalg",
    "minitf.math", "minitf.nn", "minitf.random", "minitf.strings", "minitf.train", "minitf.train.experimental",
]  # fmt: skip

SCRIPT = """
import json, sys, tensorflow as tf
names = json.loads(sys.argv[1])
found = {}
for face, listed in names.items():
    one, two = tf.compat.v1, tf
    if face == "minitf.compat":
        found[face] = [n for n in listed if not hasattr(tf.compat, n)]
        continue
    where = face.replace("minitf", "", 1).replace("compat.v1_", "").replace("compat.v1", "")
    for part in where.strip(".").split("."):
        if part:
            one, two = getattr(one, part, None), getattr(two, part, None)
    only_v1 = "v1" in face
    found[face] = [n for n in listed if not hasattr(one, n) and (only_v1 or not hasattr(two, n))]
print(json.dumps(found))
"""


def test_names_are_tensorflows(oracle):
    names = {face: [n for n in importlib.import_module(face).__all__ if n != "__version__"] for face in FACES}
    foreign = oracle(SCRIPT, json.dumps(names))
    own = set(" ".join(OWN.values()).split())
    wrong = {face: sorted(set(listed) - own) for face, listed in foreign.items() if set(listed) - own}
    assert not wrong, json.dumps(wrong)
