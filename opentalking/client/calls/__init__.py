"""One function per endpoint of the API: its parameters in, a `Call` out. No I/O here.

What is None is not sent. Both clients have a method of the same name and parameters for each.
"""
