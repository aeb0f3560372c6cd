"""``tf.nn``: activations, losses, convolutions, pooling, normalising."""

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.ops.activations": "crelu elu gelu leaky_relu log_softmax relu relu6 selu silu softmax softplus softsign swish",
    "minitf.ops.elementwise": "sigmoid tanh",
    "minitf.ops.losses": """
        bias_add l2_loss sigmoid_cross_entropy_with_logits softmax_cross_entropy_with_logits
        sparse_softmax_cross_entropy_with_logits weighted_cross_entropy_with_logits""",
    "minitf.ops.random": "dropout",
    "minitf.ops.parting": "embedding_lookup",
    "minitf.ops.normalisation": "batch_normalization moments weighted_moments",
    "minitf.ops.norms": "l2_normalize",
    "minitf.ops.sorting": "in_top_k top_k",
    "minitf.ops.formulas": "zero_fraction",
    "minitf.ops.conv": "conv1d conv1d_transpose conv2d conv2d_transpose conv3d depthwise_conv2d separable_conv2d",
    "minitf.ops.pooling": """
        avg_pool avg_pool1d avg_pool2d avg_pool3d depth_to_space max_pool max_pool1d max_pool2d max_pool3d
        space_to_depth""",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE)
