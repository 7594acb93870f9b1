// The feed thread.
