"""The words and the laws of mail: pure values and functions, no I/O, no clock, no logging."""
