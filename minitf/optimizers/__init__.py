"""Optimizers: they change variables so that a loss gets smaller, and keep state of their own for it (slots)."""

from minitf.optimizers.adaptive import AdagradOptimizer, AdamOptimizer, RMSPropOptimizer
from minitf.optimizers.descent import GradientDescentOptimizer, MomentumOptimizer
from minitf.optimizers.moving_averages import ExponentialMovingAverage
from minitf.optimizers.optimizer import Optimizer

__all__ = [
    "AdagradOptimizer", "AdamOptimizer", "ExponentialMovingAverage", "GradientDescentOptimizer", "MomentumOptimizer",
    "Optimizer", "RMSPropOptimizer",
]  # fmt: skip
