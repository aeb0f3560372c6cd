"""``tf.keras.metrics``. Each name loads its module when it is first used."""

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.layers.losses": """
            KLD MAE MAPE MSE MSLE binary_crossentropy categorical_crossentropy hinge kl_divergence kld
            kullback_leibler_divergence log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error
            mean_squared_error mean_squared_logarithmic_error mse msle poisson sparse_categorical_crossentropy squared_hinge""",
        "minitf.layers.metrics.chosen": "get",
        "minitf.layers.metrics.collected": "Mean MeanMetricWrapper Metric Sum",
        "minitf.layers.metrics.confusions": "FalseNegatives FalsePositives Precision Recall TrueNegatives TruePositives",
        "minitf.layers.metrics.curves": """
            AUC PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity""",
        "minitf.layers.metrics.of_functions": """
            Accuracy BinaryAccuracy BinaryCrossentropy CategoricalAccuracy CategoricalCrossentropy CategoricalHinge
            CosineSimilarity Hinge KLDivergence LogCoshError MeanAbsoluteError MeanAbsolutePercentageError
            MeanSquaredError MeanSquaredLogarithmicError Poisson RootMeanSquaredError SparseCategoricalAccuracy
            SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SquaredHinge TopKCategoricalAccuracy accuracy
            binary_accuracy categorical_accuracy cosine_similarity sparse_categorical_accuracy
            sparse_top_k_categorical_accuracy top_k_categorical_accuracy""",
        "minitf.layers.metrics.scores": "BinaryIoU F1Score FBetaScore IoU MeanIoU OneHotIoU OneHotMeanIoU",
    },
    first="minitf.runtimes.eager",
)
