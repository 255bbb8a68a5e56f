"""Every file of the corpus is refused for its own reason, soon, in little memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.reading import read
from demand_core.errors import Permanent
from tests.avro_hostile import HOSTILE, LARGEST

MEMORY_MAX: Final = 256 * 2**20
CPU_MAX_S: Final = 1.0

# Reads every file that it is given, and says how that ended and how long it took.
VICTIM: Final = """
import json, resource, sys, time
from itertools import islice
from demand_adapters.wire.avro.flaws import Malformed
from demand_adapters.wire.avro.reading import read

resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
for path in sys.argv[2:]:
    began = time.process_time()
    try:
        with open(path, "rb") as file:
            ended = len(list(islice(read(file), 1000)))
    except Malformed as flaw:
        ended = flaw.code
    print(json.dumps([ended, time.process_time() - began]))
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason_and_a_sentence(name: str) -> None:
    code, file = HOSTILE[name]
    with pytest.raises(Malformed) as refused:
        list(read(file))
    assert refused.value.code == code
    assert isinstance(refused.value, Permanent)
    assert str(refused.value) == f"{code}: {refused.value.detail}"


def test_what_is_wrong_is_told_with_its_place() -> None:
    with pytest.raises(Malformed) as refused:
        list(read(HOSTILE["wrong sync"][1]))
    size = len(HOSTILE["wrong sync"][1])
    assert (refused.value.block, refused.value.offset) == (1, size - 16)
    where = f"(block 1, byte {size - 16})"
    assert str(refused.value).endswith(f"no sync marker of this file after the block {where}")


def test_nothing_of_what_stands_in_a_file_is_told() -> None:
    text = HOSTILE["text not UTF-8"][1]
    with pytest.raises(Malformed) as refused:
        list(read(text))
    assert "xff" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold to the limit")
def test_the_corpus_is_read_in_little_time_and_memory(tmp_path: Path) -> None:
    files = {**{name: file for name, (_, file) in HOSTILE.items()}, "largest": LARGEST}
    paths = []
    for number, file in enumerate(files.values()):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(file)
    done = subprocess.run(
        [sys.executable, "-c", VICTIM, str(MEMORY_MAX), *paths],
        env={"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
        stdout=subprocess.PIPE,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    ended = dict(zip(files, told, strict=True))
    codes = {name: code for name, (code, _) in HOSTILE.items()}
    assert {name: code for name, (code, _) in ended.items()} == codes | {"largest": 1000}
    assert {name: s for name, (_, s) in ended.items() if s >= CPU_MAX_S} == {}
