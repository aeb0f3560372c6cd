# The names of the module beside it, for tools that read types. Written by tests/test_faces.py.

from minitf.layers.activation import Activation as Activation
from minitf.layers.activation import ELU as ELU
from minitf.layers.activation import LeakyReLU as LeakyReLU
from minitf.layers.activation import ReLU as ReLU
from minitf.layers.activation import Softmax as Softmax
from minitf.layers.attention import MultiHeadAttention as MultiHeadAttention
from minitf.layers.cells import GRUCell as GRUCell
from minitf.layers.cells import LSTMCell as LSTMCell
from minitf.layers.cells import SimpleRNNCell as SimpleRNNCell
from minitf.layers.convolution import Conv1D as Conv1D
from minitf.layers.convolution import Conv1D as _Convolution1D
from minitf.layers.convolution import Conv2D as Conv2D
from minitf.layers.convolution import Conv2D as _Convolution2D
from minitf.layers.convolution import Conv3D as Conv3D
from minitf.layers.convolution import Conv3D as _Convolution3D
from minitf.layers.convolution_transpose import Conv1DTranspose as Conv1DTranspose
from minitf.layers.convolution_transpose import Conv1DTranspose as _Convolution1DTranspose
from minitf.layers.convolution_transpose import Conv2DTranspose as Conv2DTranspose
from minitf.layers.convolution_transpose import Conv2DTranspose as _Convolution2DTranspose
from minitf.layers.dense import Dense as Dense
from minitf.layers.dense import EinsumDense as EinsumDense
from minitf.layers.depthwise import DepthwiseConv1D as DepthwiseConv1D
from minitf.layers.depthwise import DepthwiseConv2D as DepthwiseConv2D
from minitf.layers.depthwise import SeparableConv1D as SeparableConv1D
from minitf.layers.depthwise import SeparableConv1D as _SeparableConvolution1D
from minitf.layers.depthwise import SeparableConv2D as SeparableConv2D
from minitf.layers.depthwise import SeparableConv2D as _SeparableConvolution2D
from minitf.layers.dropout import Dropout as Dropout
from minitf.layers.dropout import GaussianDropout as GaussianDropout
from minitf.layers.dropout import GaussianNoise as GaussianNoise
from minitf.layers.dropout import SpatialDropout1D as SpatialDropout1D
from minitf.layers.dropout import SpatialDropout2D as SpatialDropout2D
from minitf.layers.embedding import Embedding as Embedding
from minitf.layers.embedding import Masking as Masking
from minitf.layers.functions import ActivityRegularization as ActivityRegularization
from minitf.layers.functions import Identity as Identity
from minitf.layers.functions import Lambda as Lambda
from minitf.layers.functions import Rescaling as Rescaling
from minitf.layers.input_spec import InputSpec as InputSpec
from minitf.layers.layer import Layer as Layer
from minitf.layers.merging import Add as Add
from minitf.layers.merging import Average as Average
from minitf.layers.merging import Concatenate as Concatenate
from minitf.layers.merging import Dot as Dot
from minitf.layers.merging import Maximum as Maximum
from minitf.layers.merging import Minimum as Minimum
from minitf.layers.merging import Multiply as Multiply
from minitf.layers.merging import Subtract as Subtract
from minitf.layers.merging import add as add
from minitf.layers.merging import average as average
from minitf.layers.merging import concatenate as concatenate
from minitf.layers.merging import dot as dot
from minitf.layers.merging import maximum as maximum
from minitf.layers.merging import minimum as minimum
from minitf.layers.merging import multiply as multiply
from minitf.layers.merging import subtract as subtract
from minitf.layers.normalization import BatchNormalization as BatchNormalization
from minitf.layers.normalization import LayerNormalization as LayerNormalization
from minitf.layers.normalization import UnitNormalization as UnitNormalization
from minitf.layers.pooling import AveragePooling1D as AveragePooling1D
from minitf.layers.pooling import AveragePooling1D as _AvgPool1D
from minitf.layers.pooling import AveragePooling2D as AveragePooling2D
from minitf.layers.pooling import AveragePooling2D as _AvgPool2D
from minitf.layers.pooling import AveragePooling3D as AveragePooling3D
from minitf.layers.pooling import AveragePooling3D as _AvgPool3D
from minitf.layers.pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from minitf.layers.pooling import GlobalAveragePooling1D as _GlobalAvgPool1D
from minitf.layers.pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from minitf.layers.pooling import GlobalAveragePooling2D as _GlobalAvgPool2D
from minitf.layers.pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from minitf.layers.pooling import GlobalMaxPooling1D as _GlobalMaxPool1D
from minitf.layers.pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from minitf.layers.pooling import GlobalMaxPooling2D as _GlobalMaxPool2D
from minitf.layers.pooling import MaxPooling1D as MaxPooling1D
from minitf.layers.pooling import MaxPooling1D as _MaxPool1D
from minitf.layers.pooling import MaxPooling2D as MaxPooling2D
from minitf.layers.pooling import MaxPooling2D as _MaxPool2D
from minitf.layers.pooling import MaxPooling3D as MaxPooling3D
from minitf.layers.pooling import MaxPooling3D as _MaxPool3D
from minitf.layers.pooling import ZeroPadding1D as ZeroPadding1D
from minitf.layers.pooling import ZeroPadding2D as ZeroPadding2D
from minitf.layers.recurrent import GRU as GRU
from minitf.layers.recurrent import LSTM as LSTM
from minitf.layers.recurrent import RNN as RNN
from minitf.layers.recurrent import SimpleRNN as SimpleRNN
from minitf.layers.resizing import Cropping1D as Cropping1D
from minitf.layers.resizing import Cropping2D as Cropping2D
from minitf.layers.resizing import UpSampling1D as UpSampling1D
from minitf.layers.resizing import UpSampling2D as UpSampling2D
from minitf.layers.sequential import Input as Input
from minitf.layers.sequential import InputLayer as InputLayer
from minitf.layers.shaping import Flatten as Flatten
from minitf.layers.shaping import Permute as Permute
from minitf.layers.shaping import RepeatVector as RepeatVector
from minitf.layers.shaping import Reshape as Reshape
from minitf.layers.wrappers import Bidirectional as Bidirectional
from minitf.layers.wrappers import TimeDistributed as TimeDistributed

AvgPool1D = _AvgPool1D
AvgPool2D = _AvgPool2D
AvgPool3D = _AvgPool3D
Convolution1D = _Convolution1D
Convolution1DTranspose = _Convolution1DTranspose
Convolution2D = _Convolution2D
Convolution2DTranspose = _Convolution2DTranspose
Convolution3D = _Convolution3D
GlobalAvgPool1D = _GlobalAvgPool1D
GlobalAvgPool2D = _GlobalAvgPool2D
GlobalMaxPool1D = _GlobalMaxPool1D
GlobalMaxPool2D = _GlobalMaxPool2D
MaxPool1D = _MaxPool1D
MaxPool2D = _MaxPool2D
MaxPool3D = _MaxPool3D
SeparableConvolution1D = _SeparableConvolution1D
SeparableConvolution2D = _SeparableConvolution2D
