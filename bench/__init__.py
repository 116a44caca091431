"""Benchmarks: every number is a ratio to named peers, measured in one run. `python -m bench` prints them and appends bench/record.md."""
