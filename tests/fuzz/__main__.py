"""``python -m tests.fuzz --seconds 60 [target ...]``: look for inputs that break the targets; finds go to the corpus.

Uses atheris where it is installed and one target is named, else mutates the corpus at random.
"""

import argparse
import importlib.util
import os
import random
import sys
import time
import traceback
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")

#: an input that takes longer is a find
SLOW_S = 2.0
MOST_BYTES = 4096

#: what makes a difference in one of the formats
WORDS = [
    *[bytes([letter]) for letter in b'\r\n \t\0\xff;=,:/?#@%[].-"\\019'],
    *b"\r\n|\r\n\r\n|//|..|ffffffff|99999999999999999999|HTTP/1.1 200 OK\r\n|HTTP/1.0 |100 Continue".split(b"|"),
    *b"Content-Length: |Transfer-Encoding: chunked\r\n|Connection: close\r\n|Set-Cookie: ".split(b"|"),
    *b"Content-Encoding: gzip\r\n|Domain=|Path=/|Max-Age=|Expires=|Secure|__Host-".split(b"|"),
    *b"Thu, 01 Jan 2015 00:00:00 GMT|http://|https://|http+unix://|xn--|%2F|\xc3\xa4|\xe2\x80\xae".split(b"|"),
    *b"p95 |p99.9 |rps |baseline |of 'GET /cart' |while |for |over |abort |after ".split(b"|"),
    *b" > |<=|30s |1.1 * |(|)|+|500ms ".split(b"|"),
    *(b"\x1f\x8b\x08\x00", b"\x78\x9c", b"\x28\xb5\x2f\xfd"),
]


def mutated(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """``data`` with some changes."""
    content = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(content) + 1)
        until = min(at + chance.choice((1, 1, 2, 4, 16, 64)), len(content))
        how = chance.randrange(7)
        if how == 0:
            del content[at:until]
        elif how == 1:
            content[at:at] = chance.choice(WORDS)
        elif how == 2:
            content[at:until] = chance.choice(WORDS)
        elif how == 3 and at < len(content):
            content[at] ^= 1 << chance.randrange(8)
        elif how == 4 and at < len(content):
            content[at] = chance.randrange(256)
        elif how == 5:
            content[at:at] = content[at:until] * chance.choice((1, 2, 50))
        else:
            other = chance.choice(others)
            begin = chance.randrange(len(other) + 1)
            content[at:until] = other[begin : begin + chance.choice((1, 8, 100))]
    return bytes(content[:MOST_BYTES])


def attempt(name: str, data: bytes) -> str | None:
    """What is wrong with a target and an input; None for nothing."""
    begun = time.perf_counter()
    try:
        TARGETS[name](data)
    except Exception:
        return traceback.format_exc()
    took_s = time.perf_counter() - begun
    return f"took {took_s:.1f} s" if took_s > SLOW_S else None


def corpus(name: str) -> list[bytes]:
    """The inputs that are kept for a target."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def search(name: str, seconds: float, seed: int) -> tuple[int, int]:
    """Mutate for some time; finds are told and kept. Returns how many inputs were tried and how many kinds found."""
    chance = random.Random(seed)
    known = corpus(name)
    kinds: set[str] = set()
    tried = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        data = mutated(chance, chance.choice(known), known)
        tried += 1
        wrong = attempt(name, data)
        if wrong is None:
            if tried % 50 == 0:
                # What was survived is a place to start from.
                known.append(data)
            continue
        kind = re_line(wrong)
        if kind not in kinds:
            kinds.add(kind)
            path = CORPUS / name / f"find-{sha256(data).hexdigest()[:12]}"
            path.write_bytes(data)
            print(f"{name}: {path}\n{wrong}\n", flush=True)
    return tried, len(kinds)


def re_line(wrong: str) -> str:
    """Where it was raised: one find for each place is enough."""
    places = [line for line in wrong.splitlines() if line.startswith("  File")]
    return places[-1] if places else wrong


def with_atheris(name: str, seconds: float, options: list[str]) -> int:
    """Let atheris look. Returns its exit code, 0 when it has found nothing."""
    atheris = importlib.import_module("atheris")
    # Without its marks in the code it would not see where an input leads, and try at random.
    for known in [known for known in sys.modules if known.startswith(("gregaria.client", "tests.fuzz.targets"))]:
        del sys.modules[known]
    with atheris.instrument_imports(include=["gregaria.client"]):
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
    folder = CORPUS / name
    with TemporaryDirectory() as places:
        told = [f"-max_total_time={int(seconds)}", f"-artifact_prefix={folder}/find-"]
        # It ends its process. What only leads somewhere new goes into the first folder, and is gone afterwards.
        child = os.fork()
        if child == 0:
            atheris.Setup([sys.argv[0], *told, *options, places, str(folder)], targets[name])
            atheris.Fuzz()
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; default, all of them")
    parser.add_argument("--seconds", type=float, default=60, help="for each target (60)")
    parser.add_argument("--seed", type=int, default=time.time_ns(), help="of the mutations")
    arguments, options = parser.parse_known_args()
    names = arguments.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no such target: {', '.join(unknown)}")
    if len(names) == 1 and importlib.util.find_spec("atheris") is not None:
        return with_atheris(names[0], arguments.seconds, options)
    found = 0
    for name in names:
        tried, kinds = search(name, arguments.seconds, arguments.seed)
        print(f"{name}: {tried} inputs, {kinds} finds (seed {arguments.seed})", flush=True)
        found += kinds
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
