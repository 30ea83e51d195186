"""The page of `vosctl mask`, and the server on this machine that it talks to."""
