"""Sampling: from noise at time 0 to data at time 1. A module a chapter."""
