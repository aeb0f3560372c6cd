"""Optimizers: they change variables so that a loss gets smaller, and keep state of their own for it (slots)."""

from minitf.optimizers.adaptive import AdagradOptimizer, AdamOptimizer, RMSPropOptimizer
from minitf.optimizers.descent import GradientDescentOptimizer, MomentumOptimizer
from minitf.optimizers.optimizer import Optimizer

__all__ = [
    "AdagradOptimizer", "AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer", "Optimizer", "RMSPropOptimizer",
]  # fmt: skip
