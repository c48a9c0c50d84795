"""The wheel that is installed without network holds every file of data that the program reads."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("workflows", "reports", "templates", "app", "scheduler")


@pytest.mark.timeout(240)
def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    source = tmp_path / "source"
    for name in names:
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((ROOT / name).read_bytes())
    words = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run([sys.executable, *words], check=True)
    [wheel] = tmp_path.glob("fangpin-*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    data = [name for name in names if name.split("/")[0] in PACKAGES and not name.endswith(".py")]
    assert len(data) > 50
    assert [name for name in data if name not in held] == []
    assert not any(name.startswith("tests/") for name in held)
