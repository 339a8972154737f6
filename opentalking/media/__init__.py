"""The media path: clock, encoders, idle loop and the paced output of one session."""
