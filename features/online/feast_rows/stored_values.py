"""Feast's message of one value, with the kinds that rows of users hold.

The bytes are those of `feast.protos.feast.types.Value_pb2.Value` (a test compares them). Importing that module imports
all of Feast, with pandas, ibis, duckdb and sqlalchemy: a second of processor time and 100 MB a process.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_SCALARS = {
    "string_val": (2, FieldDescriptorProto.TYPE_STRING),
    "int64_val": (4, FieldDescriptorProto.TYPE_INT64),
    "double_val": (5, FieldDescriptorProto.TYPE_DOUBLE),
}
_LISTS = {
    "string_list_val": (12, "StringList", FieldDescriptorProto.TYPE_STRING),
    "int64_list_val": (14, "Int64List", FieldDescriptorProto.TYPE_INT64),
    "bool_list_val": (17, "BoolList", FieldDescriptorProto.TYPE_BOOL),
}


def _message() -> Any:
    file = FileDescriptorProto(name="recops/stored_values.proto", package="feast.types", syntax="proto3")
    value = DescriptorProto(name="Value")
    value.oneof_decl.add(name="val")
    for name, (number, kind) in _SCALARS.items():
        _add(value, name, number, kind, oneof_index=0)
    for name, (number, list_name, kind) in _LISTS.items():
        values = DescriptorProto(name=list_name)
        _add(values, "val", 1, kind, label=FieldDescriptorProto.LABEL_REPEATED)
        file.message_type.append(values)
        type_name = f".feast.types.{list_name}"
        _add(value, name, number, FieldDescriptorProto.TYPE_MESSAGE, type_name=type_name, oneof_index=0)
    file.message_type.append(value)
    pool = DescriptorPool()  # not Feast's: a process may import Feast as well
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("feast.types.Value"))


def _add(message: DescriptorProto, name: str, number: int, kind: Any, **more: Any) -> None:
    more.setdefault("label", FieldDescriptorProto.LABEL_OPTIONAL)
    message.field.add(name=name, number=number, type=kind, **more)


StoredValue = _message()


def parsed(content: bytes | None) -> Any:
    """A stored value; without content one that is not set."""
    value = StoredValue()
    if content:
        value.ParseFromString(content)
    return value
