// The inference thread.
