"""The protobuf messages that stand in checkpoint files.

They are described here, in one table, and built when first used, in a descriptor pool of their own: there is no generated code,
and no clash with an installed TensorFlow, whose pool has messages of the same names. Field numbers and types are TensorFlow's
(``tensor_bundle.proto``, ``trackable_object_graph.proto``, ``saved_tensor_slice.proto``, ``tensor.proto`` and their like);
enumerations are plain int32 here, which is the same on the wire.
"""

from __future__ import annotations

import functools
from typing import Any

from minitf.errors import DataLossError

# message -> "number type name"; "type*" repeated, "type?" knows whether it is there; a type that is a message is another line.
_SCHEMA: dict[str, str] = {
    "VersionDef": "1 int32 producer, 2 int32 min_consumer, 3 int32* bad_consumers",
    "TensorShape": "2 Dim* dim, 3 bool unknown_rank",
    "Dim": "1 int64 size, 2 string name",
    "TensorSlice": "1 Extent* extent",
    "Extent": "1 int64 start, 2 int64? length",
    # TensorBundle
    "BundleHeader": "1 int32 num_shards, 2 int32 endianness, 3 VersionDef version",
    "BundleEntry": "1 int32 dtype, 2 TensorShape shape, 3 int32 shard_id, 4 int64 offset, 5 int64 size, 6 fixed32 crc32c, "
    "7 TensorSlice* slices",
    # object graph
    "TrackableObjectGraph": "1 TrackableObject* nodes",
    "TrackableObject": "1 ObjectReference* children, 2 SerializedTensor* attributes, 3 SlotVariable* slot_variables, "
    "4 RegisteredSaver registered_saver, 5 BoolValue has_checkpoint_values",
    "ObjectReference": "1 int32 node_id, 2 string local_name",
    "SerializedTensor": "1 string name, 2 string full_name, 3 string checkpoint_key",
    "SlotVariable": "1 int32 original_variable_node_id, 2 string slot_name, 3 int32 slot_variable_node_id",
    "RegisteredSaver": "1 string name, 2 string object_name",
    "BoolValue": "1 bool value",
    # V1
    "SavedTensorSlices": "1 SavedTensorSliceMeta meta, 2 SavedSlice data",
    "SavedTensorSliceMeta": "1 SavedSliceMeta* tensor, 2 VersionDef versions",
    "SavedSliceMeta": "1 string name, 2 TensorShape shape, 3 int32 type, 4 TensorSlice* slice",
    "SavedSlice": "1 string name, 2 TensorSlice slice, 3 Tensor data",
    "Tensor": "5 float* float_val, 6 double* double_val, 7 int32* int_val, 8 bytes* string_val, 9 float* scomplex_val, "
    "10 int64* int64_val, 11 bool* bool_val, 12 double* dcomplex_val, 13 int32* half_val",
    # variants
    "VariantTensorData": "1 bytes type_name, 2 bytes metadata, 3 bytes* tensors",
    # the state file
    "CheckpointState": "1 string model_checkpoint_path, 2 string* all_model_checkpoint_paths, "
    "3 double* all_model_checkpoint_timestamps, 4 double last_preserved_timestamp",
}


@functools.cache
def _classes() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="minitf/checkpoint.proto", package="minitf", syntax="proto3")
    for message, fields in _SCHEMA.items():
        described = file.message_type.add(name=message)
        for line in fields.split(", "):
            number, kind, name = line.split()
            field = described.field.add(name=name, number=int(number), label=field_type.LABEL_OPTIONAL)
            if kind.endswith("*"):
                field.label = field_type.LABEL_REPEATED
            elif kind.endswith("?"):  # what is the only one of a oneof knows
                field.oneof_index = len(described.oneof_decl)
                described.oneof_decl.add(name=f"_{name}")
            kind = kind.rstrip("*?")
            if kind in _SCHEMA:
                field.type, field.type_name = field_type.TYPE_MESSAGE, f".minitf.{kind}"
            else:
                field.type = getattr(field_type, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"minitf.{name}")) for name in _SCHEMA}


def message(name: str) -> Any:
    """The class of a message of the table above."""
    return _classes()[name]


def parse(name: str, data: bytes, what: str) -> Any:
    """A message from its bytes. Raises DataLossError, saying that it was ``what`` that could not be parsed.

    Unknown fields are skipped; nesting is limited to 100 by protobuf.
    """
    from google.protobuf.message import DecodeError

    try:
        return _classes()[name].FromString(data)
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataLossError(f"{what}: not parseable as {name}: {error}.") from None
