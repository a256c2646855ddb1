"""Figures of speed and memory: each measured beside its limit in the same run, and told as their ratio. None is a test."""
