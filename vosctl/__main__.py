"""`python -m vosctl` is the `vosctl` command."""

from vosctl.cli.app import main

if __name__ == "__main__":
    main()
