"""`python -m vosctl` is the `vosctl` command."""

from vosctl.cli.start import main

if __name__ == "__main__":
    main()
