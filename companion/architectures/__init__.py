"""Architectures: depth is time, and a network is the control of a flow. A module a chapter."""
