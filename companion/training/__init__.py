"""Training: how parameters, measures and tokens move. A module a chapter."""
