"""Live sessions: a worker owns sessions, a session runs at most one turn, a turn is five stages."""
