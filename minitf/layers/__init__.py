"""Layers and models, with the names of Keras 2. Each name loads its module when it is first used."""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.activation": "ELU Activation LeakyReLU ReLU Softmax",
        "minitf.layers.attention": "MultiHeadAttention",
        "minitf.layers.cells": "GRUCell LSTMCell SimpleRNNCell",
        "minitf.layers.convolution": """
            Conv1D Conv2D Conv3D Conv1D=Convolution1D Conv2D=Convolution2D Conv3D=Convolution3D""",
        "minitf.layers.convolution_transpose": """
            Conv1DTranspose Conv2DTranspose Conv1DTranspose=Convolution1DTranspose Conv2DTranspose=Convolution2DTranspose""",
        "minitf.layers.dense": "Dense EinsumDense",
        "minitf.layers.depthwise": """
            DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConv1D=SeparableConvolution1D
            SeparableConv2D=SeparableConvolution2D""",
        "minitf.layers.dropout": "Dropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D",
        "minitf.layers.embedding": "Embedding Masking",
        "minitf.layers.functions": "ActivityRegularization Identity Lambda Rescaling",
        "minitf.layers.input_spec": "InputSpec",
        "minitf.layers.layer": "Layer",
        "minitf.layers.merging": """
            Add Average Concatenate Dot Maximum Minimum Multiply Subtract add average concatenate dot maximum minimum
            multiply subtract""",
        "minitf.layers.normalization": "BatchNormalization LayerNormalization UnitNormalization",
        "minitf.layers.pooling": """
            AveragePooling1D AveragePooling2D AveragePooling3D GlobalAveragePooling1D GlobalAveragePooling2D
            GlobalMaxPooling1D GlobalMaxPooling2D MaxPooling1D MaxPooling2D MaxPooling3D ZeroPadding1D ZeroPadding2D
            AveragePooling1D=AvgPool1D AveragePooling2D=AvgPool2D MaxPooling1D=MaxPool1D MaxPooling2D=MaxPool2D
            AveragePooling3D=AvgPool3D MaxPooling3D=MaxPool3D GlobalAveragePooling1D=GlobalAvgPool1D
            GlobalAveragePooling2D=GlobalAvgPool2D GlobalMaxPooling1D=GlobalMaxPool1D GlobalMaxPooling2D=GlobalMaxPool2D""",
        "minitf.layers.recurrent": "GRU LSTM RNN SimpleRNN",
        "minitf.layers.resizing": "Cropping1D Cropping2D UpSampling1D UpSampling2D",
        "minitf.layers.sequential": "Input InputLayer",
        "minitf.layers.shaping": "Flatten Permute RepeatVector Reshape",
        "minitf.layers.wrappers": "Bidirectional TimeDistributed",
    },
    first="minitf.runtimes.eager",
)
