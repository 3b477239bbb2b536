"""Compiles the CUDA kernels ahead of time and says what came of it; see `build.py` beside this folder."""
