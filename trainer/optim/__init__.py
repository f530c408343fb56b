"""Optimizers and learning-rate schedules: what turns gradients into steps."""
