"""Tracked lists, dicts and tuples: wrappers for what is assigned to attributes, and ``List`` and ``Mapping``."""

from collections import OrderedDict

from minitf.objects.containers.append_only import List, Mapping
from minitf.objects.containers.dicts import DictWrapper, OrderedDictWrapper
from minitf.objects.containers.lists import ListWrapper
from minitf.objects.containers.tuples import TupleWrapper, wrap_tuple
from minitf.objects.containers.unique_names import UniqueNameTracker
from minitf.objects.trackable import register_wrapper

__all__ = ["DictWrapper", "List", "ListWrapper", "Mapping", "OrderedDictWrapper", "TupleWrapper", "UniqueNameTracker"]

register_wrapper(list, ListWrapper)
register_wrapper(dict, DictWrapper)
register_wrapper(OrderedDict, OrderedDictWrapper)
register_wrapper(tuple, wrap_tuple)
