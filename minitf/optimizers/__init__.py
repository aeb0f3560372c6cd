"""Optimizers: they change variables so that a loss gets smaller, and keep state of their own for it (slots)."""

from minitf.optimizers.adaptive import AdadeltaOptimizer, AdagradOptimizer, AdamOptimizer, RMSPropOptimizer
from minitf.optimizers.descent import GradientDescentOptimizer, MomentumOptimizer
from minitf.optimizers.moving_averages import ExponentialMovingAverage
from minitf.optimizers.optimizer import Optimizer
from minitf.optimizers.proximal import FtrlOptimizer, ProximalAdagradOptimizer, ProximalGradientDescentOptimizer

__all__ = [
    "AdadeltaOptimizer", "AdagradOptimizer", "AdamOptimizer", "ExponentialMovingAverage", "FtrlOptimizer",
    "GradientDescentOptimizer", "MomentumOptimizer", "Optimizer", "ProximalAdagradOptimizer",
    "ProximalGradientDescentOptimizer", "RMSPropOptimizer",
]  # fmt: skip
