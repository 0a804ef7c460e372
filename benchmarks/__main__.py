"""``python -m benchmarks [name …]``: run the benchmarks, all or those named, and print their tables."""

import sys

from benchmarks import critical, fanout, growth, http, place, sos, storm

ALL = {
    "storm": storm.run,
    "sos": sos.run,
    "http": http.run,
    "growth": growth.run,
    "fanout": fanout.run,
    "critical": critical.run,
}


def main() -> None:
    """Run what was asked for; an unknown name lists the known ones."""
    wanted = sys.argv[1:] or list(ALL)
    unknown = [name for name in wanted if name not in ALL]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(ALL)}")
    with place.server() as server:
        for name in wanted:
            ALL[name](server)


if __name__ == "__main__":
    main()
