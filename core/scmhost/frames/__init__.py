"""Pasted text to frames: what a stack trace says about files, lines and functions."""

from .frame import Found, Frame, Spot
from .reader import MAX_FRAMES, MAX_TEXT, LineReader, Reading, read_lines, read_text

__all__ = ["MAX_FRAMES", "MAX_TEXT", "Found", "Frame", "LineReader", "Reading", "Spot", "read_lines", "read_text"]
