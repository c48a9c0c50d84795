"""Judge the electronic seal of a file that a stranger handed in, apart from everything else: python -I seal_child.py.

Standard input: one line of JSON {roots, lists} (certificates and revocation lists, DER in base64), then the PDF. Prints
one JSON object {code, who, at} (``Checked``). Within 10 seconds of work and 768 MiB, or the system ends the process.
"""

import json
import resource
import sys
from base64 import b64decode
from pathlib import Path

MEMORY, SECONDS = 768 << 20, 10


def main() -> None:
    """Read trust and file, print what the seal is."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from reports.signature_check import checked

    trust = json.loads(sys.stdin.buffer.readline())
    roots, lists = ([b64decode(one) for one in trust[name]] for name in ("roots", "lists"))
    found = checked(sys.stdin.buffer.read(), roots, lists)
    sys.stdout.write(json.dumps({"code": found.code, "who": found.who, "at": found.at}))


if __name__ == "__main__":
    main()
