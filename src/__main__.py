"""`python -m appetence` is the command `appetence`."""

from appetence.cli import main

if __name__ == "__main__":
    main()
