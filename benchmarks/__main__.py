"""``python -m benchmarks [finder|engine|recorders|weight|studies|all] [--quick] [--json FILE] [--keep]``."""

from benchmarks.command import main

if __name__ == "__main__":
    raise SystemExit(main())
