"""Everything said to people goes to standard error; standard output is for results."""

from rich.console import Console

console = Console(stderr=True, highlight=False, soft_wrap=True)
