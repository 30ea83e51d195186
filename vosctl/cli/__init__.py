"""The commands, one a file; `app` is the only place that prints an error or sets an exit code."""
