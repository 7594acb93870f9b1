// The ops thread.
