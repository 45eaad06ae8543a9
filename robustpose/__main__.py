"""Run the command line: python -m robustpose, or robustpose. Stopped while it is imported, it ends as at any moment."""

from robustpose.stopping import end_with_input, run_and_exit


def _run() -> int:
    from robustpose.cli import main

    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def main() -> None:
    """Run the command line as all that this process does."""
    end_with_input()
    run_and_exit(_run)


if __name__ == "__main__":
    main()
