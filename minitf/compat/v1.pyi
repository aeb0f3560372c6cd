# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf import AUTO_REUSE as AUTO_REUSE
from minitf import AggregationMethod as AggregationMethod
from minitf import Assert as Assert
from minitf import CheckpointableSaver as CheckpointableSaver
from minitf import DType as DType
from minitf import Eager as Eager
from minitf import GradientTape as GradientTape
from minitf import Graph as Graph
from minitf import GraphKeys as GraphKeys
from minitf import IndexedSlices as IndexedSlices
from minitf import InteractiveSession as InteractiveSession
from minitf import Module as Module
from minitf import Operation as Operation
from minitf import Renamed as Renamed
from minitf import Session as Session
from minitf import Tensor as Tensor
from minitf import TensorArray as TensorArray
from minitf import TensorShape as TensorShape
from minitf import TensorSpec as TensorSpec
from minitf import UnconnectedGradients as UnconnectedGradients
from minitf import Variable as Variable
from minitf import VariableAggregation as VariableAggregation
from minitf import VariableScope as VariableScope
from minitf import VariableSynchronization as VariableSynchronization
from minitf import abs as abs
from minitf import acos as acos
from minitf import acosh as acosh
from minitf import add as add
from minitf import add_n as add_n
from minitf import add_to_collection as add_to_collection
from minitf import argsort as argsort
from minitf import as_dtype as as_dtype
from minitf import asin as asin
from minitf import asinh as asinh
from minitf import atan as atan
from minitf import atan2 as atan2
from minitf import atanh as atanh
from minitf import bfloat16 as bfloat16
from minitf import bitcast as bitcast
from minitf import bitwise as bitwise
from minitf import bool as bool
from minitf import broadcast_dynamic_shape as broadcast_dynamic_shape
from minitf import broadcast_static_shape as broadcast_static_shape
from minitf import broadcast_to as broadcast_to
from minitf import capture_dependencies as capture_dependencies
from minitf import case as case
from minitf import cast as cast
from minitf import clip_by_global_norm as clip_by_global_norm
from minitf import clip_by_norm as clip_by_norm
from minitf import clip_by_value as clip_by_value
from minitf import compat as compat
from minitf import complex as complex
from minitf import complex128 as complex128
from minitf import complex64 as complex64
from minitf import concat as concat
from minitf import cond as cond
from minitf import config as config
from minitf import constant as constant
from minitf import control_dependencies as control_dependencies
from minitf import convert_to_tensor as convert_to_tensor
from minitf import cos as cos
from minitf import cosh as cosh
from minitf import create_partitioned_variables as create_partitioned_variables
from minitf import cumsum as cumsum
from minitf import custom_gradient as custom_gradient
from minitf import device as device
from minitf import disable_eager_execution as disable_eager_execution
from minitf import divide as divide
from minitf import double as double
from minitf import dtypes as dtypes
from minitf import dynamic_partition as dynamic_partition
from minitf import dynamic_stitch as dynamic_stitch
from minitf import einsum as einsum
from minitf import enable_eager_execution as enable_eager_execution
from minitf import ensure_shape as ensure_shape
from minitf import equal as equal
from minitf import errors as errors
from minitf import executing_eagerly as executing_eagerly
from minitf import exp as exp
from minitf import explore as explore
from minitf import eye as eye
from minitf import fill as fill
from minitf import fixed_size_partitioner as fixed_size_partitioner
from minitf import float16 as float16
from minitf import float32 as float32
from minitf import float4_e2m1fn as float4_e2m1fn
from minitf import float64 as float64
from minitf import float8_e4m3b11fnuz as float8_e4m3b11fnuz
from minitf import float8_e4m3fn as float8_e4m3fn
from minitf import float8_e4m3fnuz as float8_e4m3fnuz
from minitf import float8_e5m2 as float8_e5m2
from minitf import float8_e5m2fnuz as float8_e5m2fnuz
from minitf import floor as floor
from minitf import foldl as foldl
from minitf import foldr as foldr
from minitf import function as function
from minitf import get_collection as get_collection
from minitf import get_default_graph as get_default_graph
from minitf import get_default_session as get_default_session
from minitf import get_local_variable as get_local_variable
from minitf import get_logger as get_logger
from minitf import get_static_value as get_static_value
from minitf import get_variable as get_variable
from minitf import get_variable_scope as get_variable_scope
from minitf import global_variables as global_variables
from minitf import global_variables_initializer as global_variables_initializer
from minitf import grad_pass_through as grad_pass_through
from minitf import greater as greater
from minitf import greater_equal as greater_equal
from minitf import group as group
from minitf import half as half
from minitf import histogram_fixed_width as histogram_fixed_width
from minitf import histogram_fixed_width_bins as histogram_fixed_width_bins
from minitf import identity as identity
from minitf import identity_n as identity_n
from minitf import init_scope as init_scope
from minitf import int16 as int16
from minitf import int2 as int2
from minitf import int32 as int32
from minitf import int4 as int4
from minitf import int64 as int64
from minitf import int8 as int8
from minitf import io as io
from minitf import is_symbolic_tensor as is_symbolic_tensor
from minitf import is_tensor as is_tensor
from minitf import is_variable_initialized as is_variable_initialized
from minitf import keras as keras
from minitf import less as less
from minitf import less_equal as less_equal
from minitf import linalg as linalg
from minitf import linspace as linspace
from minitf import local_variables as local_variables
from minitf import local_variables_initializer as local_variables_initializer
from minitf import logical_and as logical_and
from minitf import logical_not as logical_not
from minitf import logical_or as logical_or
from minitf import make_template as make_template
from minitf import map_fn as map_fn
from minitf import math as math
from minitf import matmul as matmul
from minitf import maximum as maximum
from minitf import meshgrid as meshgrid
from minitf import min_max_variable_partitioner as min_max_variable_partitioner
from minitf import minimum as minimum
from minitf import multiply as multiply
from minitf import name_scope as name_scope
from minitf import negative as negative
from minitf import nest as nest
from minitf import newaxis as newaxis
from minitf import no_op as no_op
from minitf import not_equal as not_equal
from minitf import numpy_function as numpy_function
from minitf import one_hot as one_hot
from minitf import ones as ones
from minitf import op as op
from minitf import optimizers as optimizers
from minitf import parallel_stack as parallel_stack
from minitf import placeholder as placeholder
from minitf import placeholder_with_default as placeholder_with_default
from minitf import pow as pow
from minitf import print as print
from minitf import py_function as py_function
from minitf import qint16 as qint16
from minitf import qint32 as qint32
from minitf import qint8 as qint8
from minitf import quint16 as quint16
from minitf import quint8 as quint8
from minitf import random as random
from minitf import range as range
from minitf import rank as rank
from minitf import realdiv as realdiv
from minitf import record as record
from minitf import repeat as repeat
from minitf import report_uninitialized_variables as report_uninitialized_variables
from minitf import reset_default_graph as reset_default_graph
from minitf import reshape as reshape
from minitf import resource as resource
from minitf import reverse as reverse
from minitf import roll as roll
from minitf import round as round
from minitf import saturate_cast as saturate_cast
from minitf import scalar_mul as scalar_mul
from minitf import scan as scan
from minitf import scatter_nd as scatter_nd
from minitf import searchsorted as searchsorted
from minitf import sequence_mask as sequence_mask
from minitf import shape_n as shape_n
from minitf import side_by_side as side_by_side
from minitf import sigmoid as sigmoid
from minitf import sign as sign
from minitf import sin as sin
from minitf import sinh as sinh
from minitf import slice as slice
from minitf import sort as sort
from minitf import space_to_batch_nd as space_to_batch_nd
from minitf import split as split
from minitf import sqrt as sqrt
from minitf import square as square
from minitf import stack as stack
from minitf import stop_gradient as stop_gradient
from minitf import strided_slice as strided_slice
from minitf import string as string
from minitf import strings as strings
from minitf import subtract as subtract
from minitf import switch_case as switch_case
from minitf import tan as tan
from minitf import tanh as tanh
from minitf import tensor_scatter_nd_add as tensor_scatter_nd_add
from minitf import tensor_scatter_nd_max as tensor_scatter_nd_max
from minitf import tensor_scatter_nd_min as tensor_scatter_nd_min
from minitf import tensor_scatter_nd_sub as tensor_scatter_nd_sub
from minitf import tensor_scatter_nd_update as tensor_scatter_nd_update
from minitf import tensordot as tensordot
from minitf import test as test
from minitf import testing as testing
from minitf import tile as tile
from minitf import timestamp as timestamp
from minitf import trainable_variables as trainable_variables
from minitf import truediv as truediv
from minitf import truncatediv as truncatediv
from minitf import truncatemod as truncatemod
from minitf import tuple as tuple
from minitf import uint16 as uint16
from minitf import uint2 as uint2
from minitf import uint32 as uint32
from minitf import uint4 as uint4
from minitf import uint64 as uint64
from minitf import uint8 as uint8
from minitf import unique as unique
from minitf import unique_with_counts as unique_with_counts
from minitf import unravel_index as unravel_index
from minitf import unstack as unstack
from minitf import using as using
from minitf import variable_axis_size_partitioner as variable_axis_size_partitioner
from minitf import variable_creator_scope as variable_creator_scope
from minitf import variable_scope as variable_scope
from minitf import variables_initializer as variables_initializer
from minitf import variant as variant
from minitf import version as version
from minitf import zeros as zeros
from minitf.autodiff import gradients_v1 as _gradients
from minitf.autodiff import hessians_v1 as _hessians
from minitf.compat import v1_app as _app
from minitf.compat import v1_data as _data
from minitf.compat import v1_debugging as _debugging
from minitf.compat import v1_gfile as _gfile
from minitf.compat import v1_initializers as _initializers
from minitf.compat import v1_layers as _layers
from minitf.compat import v1_losses as _losses
from minitf.compat import v1_nn as _nn
from minitf.compat import v1_train as _train
from minitf.core.dimension import Dimension as Dimension
from minitf.core.dimension import dimension_at_index as dimension_at_index
from minitf.core.dimension import dimension_value as dimension_value
from minitf.environment import flags as flags
from minitf.environment import logging as logging
from minitf.environment.version import VERSION as VERSION
from minitf.environment.version import VERSION as ___version__
from minitf.errors import OpError as OpError
from minitf.layers.initializers_v1 import Constant as _constant_initializer
from minitf.layers.initializers_v1 import GlorotNormal as _glorot_normal_initializer
from minitf.layers.initializers_v1 import GlorotUniform as _glorot_uniform_initializer
from minitf.layers.initializers_v1 import Ones as _ones_initializer
from minitf.layers.initializers_v1 import Orthogonal as _orthogonal_initializer
from minitf.layers.initializers_v1 import RandomNormal as _random_normal_initializer
from minitf.layers.initializers_v1 import RandomUniform as _random_uniform_initializer
from minitf.layers.initializers_v1 import TruncatedNormal as _truncated_normal_initializer
from minitf.layers.initializers_v1 import UniformUnitScaling as _uniform_unit_scaling_initializer
from minitf.layers.initializers_v1 import VarianceScaling as _variance_scaling_initializer
from minitf.layers.initializers_v1 import Zeros as _zeros_initializer
from minitf.objects.variable_scope import EagerVariableStore as EagerVariableStore
from minitf.objects.variable_scope import no_regularizer as no_regularizer
from minitf.objects.variable_scope import variable_op_scope as variable_op_scope
from minitf.ops.arithmetic import div_no_nan as div_no_nan
from minitf.ops.arithmetic import floordiv as _floor_div
from minitf.ops.arithmetic import floordiv as floordiv
from minitf.ops.arithmetic import floormod as _mod
from minitf.ops.arithmetic import floormod as floormod
from minitf.ops.arithmetic import squared_difference as squared_difference
from minitf.ops.asserting import assert_proper_iterable as assert_proper_iterable
from minitf.ops.asserting import assert_same_float_dtype as assert_same_float_dtype
from minitf.ops.asserting import check_numerics as check_numerics
from minitf.ops.asserting import is_numeric_tensor as is_numeric_tensor
from minitf.ops.blocks import batch_to_space_nd as batch_to_space_nd
from minitf.ops.comparisons import logical_xor as logical_xor
from minitf.ops.comparisons import where as _where_v2
from minitf.ops.complex import angle as angle
from minitf.ops.complex import imag as imag
from minitf.ops.complex import real as real
from minitf.ops.decompositions import cholesky as cholesky
from minitf.ops.decompositions import cholesky_solve as cholesky_solve
from minitf.ops.decompositions import eigh as _self_adjoint_eig
from minitf.ops.decompositions import eigvalsh as _self_adjoint_eigvals
from minitf.ops.decompositions import qr as qr
from minitf.ops.decompositions import svd as svd
from minitf.ops.diagonals import band_part as _matrix_band_part
from minitf.ops.diagonals import diag as _matrix_diag
from minitf.ops.diagonals import diag_part as _matrix_diag_part
from minitf.ops.diagonals import set_diag as _matrix_set_diag
from minitf.ops.differences import setdiff1d as setdiff1d
from minitf.ops.elementwise import ceil as ceil
from minitf.ops.elementwise import conj as conj
from minitf.ops.elementwise import expm1 as expm1
from minitf.ops.elementwise import is_finite as is_finite
from minitf.ops.elementwise import is_inf as is_inf
from minitf.ops.elementwise import is_nan as is_nan
from minitf.ops.elementwise import log as log
from minitf.ops.elementwise import log1p as log1p
from minitf.ops.elementwise import reciprocal as reciprocal
from minitf.ops.elementwise import rint as rint
from minitf.ops.elementwise import rsqrt as rsqrt
from minitf.ops.equations import det as _matrix_determinant
from minitf.ops.equations import inv as _matrix_inverse
from minitf.ops.equations import solve as _matrix_solve
from minitf.ops.equations import triangular_solve as _matrix_triangular_solve
from minitf.ops.formulas import accumulate_n as accumulate_n
from minitf.ops.formulas import cross as cross
from minitf.ops.formulas import invert_permutation as invert_permutation
from minitf.ops.formulas import is_non_decreasing as is_non_decreasing
from minitf.ops.formulas import is_strictly_increasing as is_strictly_increasing
from minitf.ops.formulas import trace as trace
from minitf.ops.gathering import tensor_scatter_nd_add as _tensor_scatter_add
from minitf.ops.gathering import tensor_scatter_nd_sub as _tensor_scatter_sub
from minitf.ops.gathering import tensor_scatter_nd_update as _tensor_scatter_update
from minitf.ops.indexed_slices import convert_to_tensor_or_indexed_slices as convert_to_tensor_or_indexed_slices
from minitf.ops.norms import clip_by_average_norm as clip_by_average_norm
from minitf.ops.norms import global_norm as global_norm
from minitf.ops.python_functions import numpy_function as _py_func
from minitf.ops.random import get_seed as get_seed
from minitf.ops.random import normal as _random_normal
from minitf.ops.random import set_seed as _set_random_seed
from minitf.ops.random import shuffle as _random_shuffle
from minitf.ops.random import truncated_normal as truncated_normal
from minitf.ops.random import uniform as _random_uniform
from minitf.ops.ranges import linspace as _lin_space
from minitf.ops.running import cumprod as cumprod
from minitf.ops.segments import segment_max as segment_max
from minitf.ops.segments import segment_mean as segment_mean
from minitf.ops.segments import segment_min as segment_min
from minitf.ops.segments import segment_prod as segment_prod
from minitf.ops.segments import segment_sum as segment_sum
from minitf.ops.segments import unsorted_segment_max as unsorted_segment_max
from minitf.ops.segments import unsorted_segment_mean as unsorted_segment_mean
from minitf.ops.segments import unsorted_segment_min as unsorted_segment_min
from minitf.ops.segments import unsorted_segment_prod as unsorted_segment_prod
from minitf.ops.segments import unsorted_segment_sqrt_n as unsorted_segment_sqrt_n
from minitf.ops.segments import unsorted_segment_sum as unsorted_segment_sum
from minitf.ops.shaping import matrix_transpose as matrix_transpose
from minitf.ops.shaping import reverse as _reverse_v2
from minitf.ops.special import digamma as digamma
from minitf.ops.special import erf as erf
from minitf.ops.special import erfc as erfc
from minitf.ops.special import lbeta as lbeta
from minitf.ops.special import lgamma as lgamma
from minitf.ops.special import polygamma as polygamma
from minitf.ops.special import zeta as zeta
from minitf.ops.strings import as_string as as_string
from minitf.ops.strings import join as _string_join
from minitf.ops.strings import reduce_join as reduce_join
from minitf.ops.strings import regex_replace as regex_replace
from minitf.ops.strings import strip as _string_strip
from minitf.ops.strings import substr as substr
from minitf.ops.tensor_diagonals import tensor_diag as _diag
from minitf.ops.tensor_diagonals import tensor_diag_part as _diag_part
from minitf.ops.v1 import argmax as argmax
from minitf.ops.v1 import argmin as argmin
from minitf.ops.v1 import assign as assign
from minitf.ops.v1 import assign_add as assign_add
from minitf.ops.v1 import assign_sub as assign_sub
from minitf.ops.v1 import batch_scatter_update as batch_scatter_update
from minitf.ops.v1 import boolean_mask as boolean_mask
from minitf.ops.v1 import count_nonzero as count_nonzero
from minitf.ops.v1 import count_up_to as count_up_to
from minitf.ops.v1 import div as div
from minitf.ops.v1 import expand_dims as expand_dims
from minitf.ops.v1 import gather as gather
from minitf.ops.v1 import gather_nd as gather_nd
from minitf.ops.v1 import multinomial as multinomial
from minitf.ops.v1 import norm as norm
from minitf.ops.v1 import ones_like as ones_like
from minitf.ops.v1 import pad as pad
from minitf.ops.v1 import reduce_all as reduce_all
from minitf.ops.v1 import reduce_any as reduce_any
from minitf.ops.v1 import reduce_logsumexp as reduce_logsumexp
from minitf.ops.v1 import reduce_max as reduce_max
from minitf.ops.v1 import reduce_mean as reduce_mean
from minitf.ops.v1 import reduce_min as reduce_min
from minitf.ops.v1 import reduce_prod as reduce_prod
from minitf.ops.v1 import reduce_sum as reduce_sum
from minitf.ops.v1 import scatter_add as scatter_add
from minitf.ops.v1 import scatter_div as scatter_div
from minitf.ops.v1 import scatter_max as scatter_max
from minitf.ops.v1 import scatter_min as scatter_min
from minitf.ops.v1 import scatter_mul as scatter_mul
from minitf.ops.v1 import scatter_nd_add as scatter_nd_add
from minitf.ops.v1 import scatter_nd_sub as scatter_nd_sub
from minitf.ops.v1 import scatter_nd_update as scatter_nd_update
from minitf.ops.v1 import scatter_sub as scatter_sub
from minitf.ops.v1 import scatter_update as scatter_update
from minitf.ops.v1 import shape as shape
from minitf.ops.v1 import size as size
from minitf.ops.v1 import squeeze as squeeze
from minitf.ops.v1 import transpose as transpose
from minitf.ops.v1 import where as where
from minitf.ops.v1 import while_loop as while_loop
from minitf.ops.v1 import zeros_like as zeros_like
from minitf.ops.v1_asserting import assert_equal as assert_equal
from minitf.ops.v1_asserting import assert_greater as assert_greater
from minitf.ops.v1_asserting import assert_greater_equal as assert_greater_equal
from minitf.ops.v1_asserting import assert_integer as assert_integer
from minitf.ops.v1_asserting import assert_less as assert_less
from minitf.ops.v1_asserting import assert_less_equal as assert_less_equal
from minitf.ops.v1_asserting import assert_near as assert_near
from minitf.ops.v1_asserting import assert_negative as assert_negative
from minitf.ops.v1_asserting import assert_non_negative as assert_non_negative
from minitf.ops.v1_asserting import assert_non_positive as assert_non_positive
from minitf.ops.v1_asserting import assert_none_equal as assert_none_equal
from minitf.ops.v1_asserting import assert_positive as assert_positive
from minitf.ops.v1_asserting import assert_rank as assert_rank
from minitf.ops.v1_asserting import assert_rank_at_least as assert_rank_at_least
from minitf.ops.v1_asserting import assert_rank_in as assert_rank_in
from minitf.ops.v1_asserting import assert_scalar as assert_scalar
from minitf.ops.v1_asserting import assert_type as assert_type
from minitf.ops.v1_names import arg_max as arg_max
from minitf.ops.v1_names import arg_min as arg_min
from minitf.ops.v1_names import batch_gather as batch_gather
from minitf.ops.v1_names import batch_to_space as batch_to_space
from minitf.ops.v1_names import bincount as bincount
from minitf.ops.v1_names import confusion_matrix as confusion_matrix
from minitf.ops.v1_names import depth_to_space as depth_to_space
from minitf.ops.v1_names import log_sigmoid as log_sigmoid
from minitf.ops.v1_names import random_crop as random_crop
from minitf.ops.v1_names import reverse_sequence as reverse_sequence
from minitf.ops.v1_names import space_to_batch as space_to_batch
from minitf.ops.v1_names import space_to_depth as space_to_depth
from minitf.ops.v1_names import string_to_number as string_to_number
from minitf.ops.v1_names import to_bfloat16 as to_bfloat16
from minitf.ops.v1_names import to_complex128 as to_complex128
from minitf.ops.v1_names import to_complex64 as to_complex64
from minitf.ops.v1_names import to_double as to_double
from minitf.ops.v1_names import to_float as to_float
from minitf.ops.v1_names import to_int32 as to_int32
from minitf.ops.v1_names import to_int64 as to_int64
from minitf.ops.v1_names import verify_tensor_all_finite as verify_tensor_all_finite
from minitf.ops.v1_print import Print as Print
from minitf.runtimes.building import disable_v2_behavior as disable_v2_behavior
from minitf.runtimes.building import enable_v2_behavior as enable_v2_behavior
from minitf.runtimes.building_v1 import add_to_collections as add_to_collections
from minitf.runtimes.building_v1 import all_variables as all_variables
from minitf.runtimes.building_v1 import assert_variables_initialized as assert_variables_initialized
from minitf.runtimes.building_v1 import colocate_with as colocate_with
from minitf.runtimes.building_v1 import container as container
from minitf.runtimes.building_v1 import control_flow_v2_enabled as control_flow_v2_enabled
from minitf.runtimes.building_v1 import disable_control_flow_v2 as disable_control_flow_v2
from minitf.runtimes.building_v1 import disable_resource_variables as disable_resource_variables
from minitf.runtimes.building_v1 import disable_v2_tensorshape as disable_v2_tensorshape
from minitf.runtimes.building_v1 import enable_control_flow_v2 as enable_control_flow_v2
from minitf.runtimes.building_v1 import enable_resource_variables as enable_resource_variables
from minitf.runtimes.building_v1 import enable_v2_tensorshape as enable_v2_tensorshape
from minitf.runtimes.building_v1 import executing_eagerly_outside_functions as executing_eagerly_outside_functions
from minitf.runtimes.building_v1 import get_collection_ref as get_collection_ref
from minitf.runtimes.building_v1 import initialize_all_variables as initialize_all_variables
from minitf.runtimes.building_v1 import initialize_local_variables as initialize_local_variables
from minitf.runtimes.building_v1 import initialize_variables as initialize_variables
from minitf.runtimes.building_v1 import model_variables as model_variables
from minitf.runtimes.building_v1 import moving_average_variables as moving_average_variables
from minitf.runtimes.building_v1 import op_scope as op_scope
from minitf.runtimes.building_v1 import resource_variables_enabled as resource_variables_enabled
from minitf.runtimes.building_v1 import tables_initializer as _initialize_all_tables
from minitf.runtimes.building_v1 import tables_initializer as tables_initializer
from minitf.runtimes.session_options import ConfigProto as ConfigProto
from minitf.runtimes.session_options import GPUOptions as GPUOptions
from minitf.runtimes.session_options import GraphOptions as GraphOptions
from minitf.runtimes.session_options import OptimizerOptions as OptimizerOptions
from minitf.runtimes.session_options import RunMetadata as RunMetadata
from minitf.runtimes.session_options import RunOptions as RunOptions

__version__ = ___version__
app = _app
constant_initializer = _constant_initializer
data = _data
debugging = _debugging
diag = _diag
diag_part = _diag_part
floor_div = _floor_div
gfile = _gfile
glorot_normal_initializer = _glorot_normal_initializer
glorot_uniform_initializer = _glorot_uniform_initializer
gradients = _gradients
hessians = _hessians
initialize_all_tables = _initialize_all_tables
initializers = _initializers
layers = _layers
lin_space = _lin_space
losses = _losses
matrix_band_part = _matrix_band_part
matrix_determinant = _matrix_determinant
matrix_diag = _matrix_diag
matrix_diag_part = _matrix_diag_part
matrix_inverse = _matrix_inverse
matrix_set_diag = _matrix_set_diag
matrix_solve = _matrix_solve
matrix_triangular_solve = _matrix_triangular_solve
mod = _mod
nn = _nn
ones_initializer = _ones_initializer
orthogonal_initializer = _orthogonal_initializer
py_func = _py_func
random_normal = _random_normal
random_normal_initializer = _random_normal_initializer
random_shuffle = _random_shuffle
random_uniform = _random_uniform
random_uniform_initializer = _random_uniform_initializer
reverse_v2 = _reverse_v2
self_adjoint_eig = _self_adjoint_eig
self_adjoint_eigvals = _self_adjoint_eigvals
set_random_seed = _set_random_seed
string_join = _string_join
string_strip = _string_strip
tensor_scatter_add = _tensor_scatter_add
tensor_scatter_sub = _tensor_scatter_sub
tensor_scatter_update = _tensor_scatter_update
train = _train
truncated_normal_initializer = _truncated_normal_initializer
uniform_unit_scaling_initializer = _uniform_unit_scaling_initializer
variance_scaling_initializer = _variance_scaling_initializer
where_v2 = _where_v2
zeros_initializer = _zeros_initializer
