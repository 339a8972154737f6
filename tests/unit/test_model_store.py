"""Model files as data: fetched from wheels, verified, never half there."""

import dataclasses
import hashlib
import os
import shutil
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from opentalking.inference import models
from opentalking.inference.model_files import Catalogue, ModelFile, Source
from opentalking.inference.models import CATALOGUE, ModelStoreError, Progress

VOICE = b"voice " * 50_000
BRAIN = os.urandom(300_000)


def model_file(file_id: str, content: bytes, *sources: Source) -> ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(file_id, f"{file_id}/{file_id}.bin", file_id, "CC0", len(content), digest, sources)


SMALL = Catalogue(
    files=(
        model_file("voice", VOICE, Source("tiny-voice==1.0", "*/data/voice.bin")),
        model_file(
            "brain",
            BRAIN,
            Source("tiny-brain-a==2.0", "*/brain.part1"),
            Source("tiny-brain-b==2.0", "*/brain.part2"),
        ),
    ),
    sets={"all": ("voice", "brain"), "voice": ("voice",)},
)


def make_wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{module}/__init__.py", "raise RuntimeError('must never be imported')\n")
        for path, content in files.items():
            archive.writestr(f"{module}/{path}", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "tiny-voice", "1.0", {"data/voice.bin": VOICE})
    make_wheel(folder, "tiny-brain-a", "2.0", {"brain.part1": BRAIN[:100_000]})
    make_wheel(folder, "tiny-brain-b", "2.0", {"brain.part2": BRAIN[100_000:]})
    return folder


@pytest.fixture
def environment(index: Path) -> dict[str, str]:
    """pip sees only the folder: no network, no configuration of this machine."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": os.devnull,
        "PATH": os.defpath,
    }


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "models"


def leftovers(store: Path) -> list[str]:
    return [path.name for path in store.rglob("*") if path.suffix in {".part", ".whl"}]


def test_a_set_is_fetched_joined_and_verified(store: Path, environment: dict[str, str]) -> None:
    steps: list[Progress] = []
    assert [f.id for f in models.missing("all", store, catalogue=SMALL)] == ["voice", "brain"]
    fetched = models.pull("all", store, steps.append, environment=environment, catalogue=SMALL)
    assert [f.id for f in fetched] == ["voice", "brain"]
    assert models.path(store, "voice", catalogue=SMALL).read_bytes() == VOICE
    assert models.path(store, "brain", catalogue=SMALL).read_bytes() == BRAIN
    assert models.missing("all", store, catalogue=SMALL) == []
    assert [(s.file.id, s.state, s.sets) for s in models.status(store, catalogue=SMALL)] == [
        ("voice", "ok", ("all", "voice")),
        ("brain", "ok", ("all",)),
    ]
    assert leftovers(store) == []
    assert {step.phase for step in steps} == {"download", "extract", "done"}
    assert "tiny_voice" not in sys.modules


def test_nothing_is_fetched_twice(store: Path, environment: dict[str, str], index: Path) -> None:
    models.pull("all", store, environment=environment, catalogue=SMALL)
    shutil.rmtree(index)  # as good as no network
    assert models.pull("all", store, environment=environment, catalogue=SMALL) == []


def test_a_later_check_reads_the_marker_and_not_the_file(store: Path, environment: dict[str, str]) -> None:
    models.pull("voice", store, environment=environment, catalogue=SMALL)
    target = models.path(store, "voice", catalogue=SMALL)
    facts = target.stat()
    target.write_bytes(b"X" + VOICE[1:])
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert models.missing("voice", store, catalogue=SMALL) == []  # same size and time: not hashed again
    os.utime(target)
    assert [f.id for f in models.missing("voice", store, catalogue=SMALL)] == ["voice"]
    assert models.status(store, catalogue=SMALL)[0].state == "damaged"
    with pytest.raises(ModelStoreError, match=r"voice\.bin is damaged; run `opentalking models pull`"):
        models.check(store, "voice", catalogue=SMALL)
    models.pull("voice", store, environment=environment, catalogue=SMALL)
    assert models.check(store, "voice", catalogue=SMALL).read_bytes() == VOICE


def test_files_copied_by_hand_are_accepted_after_one_look(store: Path) -> None:
    target = models.path(store, "voice", catalogue=SMALL)
    target.parent.mkdir(parents=True)
    assert not models.present(store, "voice", catalogue=SMALL)
    target.write_bytes(VOICE)
    assert models.present(store, "voice", catalogue=SMALL)
    assert models.missing("voice", store, catalogue=SMALL) == []
    assert (store / ".verified" / "voice.json").is_file()


def test_wrong_bytes_are_named_and_removed(store: Path, environment: dict[str, str], index: Path) -> None:
    make_wheel(index, "tiny-voice", "1.0", {"data/voice.bin": VOICE[:-1] + b"!"})
    with pytest.raises(
        ModelStoreError, match=r"voice/voice\.bin from tiny-voice==1\.0 has the wrong SHA-256"
    ):
        models.pull("voice", store, environment=environment, catalogue=SMALL)
    assert not models.path(store, "voice", catalogue=SMALL).exists()
    assert leftovers(store) == []


def test_a_file_larger_than_it_should_be_is_not_read_to_its_end(
    store: Path, environment: dict[str, str], index: Path
) -> None:
    make_wheel(index, "tiny-voice", "1.0", {"data/voice.bin": b"\0" * (200 << 20)})
    steps: list[Progress] = []
    with pytest.raises(ModelStoreError, match="wrong SHA-256"):
        models.pull("voice", store, steps.append, environment=environment, catalogue=SMALL)
    assert max(step.done_bytes for step in steps if step.phase == "extract") < 4 << 20


def test_an_interrupted_pull_goes_on_where_it_stopped(
    store: Path, environment: dict[str, str], index: Path
) -> None:
    (index / "tiny_brain_b-2.0-py3-none-any.whl").rename(index / "hidden")
    with pytest.raises(ModelStoreError, match=r"cannot download tiny-brain-b==2\.0"):
        models.pull("all", store, environment=environment, catalogue=SMALL)
    assert models.path(store, "voice", catalogue=SMALL).read_bytes() == VOICE
    assert leftovers(store) == ["tiny_brain_a-2.0-py3-none-any.whl"]
    (index / "hidden").rename(index / "tiny_brain_b-2.0-py3-none-any.whl")
    (index / "tiny_brain_a-2.0-py3-none-any.whl").unlink()  # it is already here
    fetched = models.pull("all", store, environment=environment, catalogue=SMALL)
    assert [f.id for f in fetched] == ["brain"]
    assert models.path(store, "brain", catalogue=SMALL).read_bytes() == BRAIN
    assert leftovers(store) == []


def test_a_cut_off_wheel_is_fetched_again(store: Path, environment: dict[str, str], index: Path) -> None:
    wheel = index / "tiny_voice-1.0-py3-none-any.whl"
    kept = store / ".downloads" / "tiny-voice-1.0" / wheel.name
    kept.parent.mkdir(parents=True)
    kept.write_bytes(wheel.read_bytes()[:-200])
    models.pull("voice", store, environment=environment, catalogue=SMALL)
    assert models.path(store, "voice", catalogue=SMALL).read_bytes() == VOICE


def test_without_network_the_error_says_so(store: Path) -> None:
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
    }
    with pytest.raises(ModelStoreError, match=r"tiny-voice==1\.0: no network"):
        models.pull("voice", store, environment=nowhere, catalogue=SMALL)


def test_a_package_that_does_not_exist_or_lacks_the_file_is_named(
    store: Path, environment: dict[str, str]
) -> None:
    def only(source: Source) -> Catalogue:
        return Catalogue((dataclasses.replace(SMALL.files[0], sources=(source,)),), {"voice": ("voice",)})

    with pytest.raises(ModelStoreError, match=r"cannot download tiny-nothing==1\.0: No matching"):
        models.pull(
            "voice", store, environment=environment, catalogue=only(Source("tiny-nothing==1.0", "*/x"))
        )
    with pytest.raises(ModelStoreError, match="holds 0 files"):
        models.pull(
            "voice", store, environment=environment, catalogue=only(Source("tiny-voice==1.0", "*/nothing"))
        )


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelStoreError, match=r"cannot store models in .*file/models"):
        models.pull("voice", tmp_path / "file" / "models", environment=environment, catalogue=SMALL)


def test_a_full_disk_is_noticed_before_the_download(store: Path, environment: dict[str, str]) -> None:
    huge = dataclasses.replace(SMALL.files[0], size_bytes=1 << 60)
    with pytest.raises(ModelStoreError, match=r"not enough space in .* MB needed"):
        models.pull(
            "voice", store, environment=environment, catalogue=Catalogue((huge,), {"voice": ("voice",)})
        )


def test_concurrent_pulls_wait_for_each_other(store: Path, environment: dict[str, str]) -> None:
    fetched: list[list[ModelFile]] = []
    steps: list[Progress] = []

    def pull() -> None:
        fetched.append(models.pull("all", store, steps.append, environment=environment, catalogue=SMALL))

    threads = [threading.Thread(target=pull) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, fetched)) == [0, 0, 2]
    assert models.missing("all", store, catalogue=SMALL) == []
    assert "wait" in {step.phase for step in steps}


def test_unknown_names_are_refused(store: Path) -> None:
    with pytest.raises(KeyError, match="unknown model set 'nothing'"):
        models.pull("nothing", store)
    with pytest.raises(KeyError, match="unknown model file 'nothing'"):
        models.path(store, "nothing")


def test_the_real_catalogue_is_whole_and_its_files_are_there(models_dir: Path) -> None:
    assert set(CATALOGUE.sets) == {"embedded", "permissive", "tiny.en"}
    for file in CATALOGUE.files:
        assert len(file.sha256) == 64
        assert all("==" in source.package for source in file.sources)
        assert not Path(file.path).is_absolute()
    assert models.missing("embedded", models_dir) == []
    assert models.check(models_dir, "smollm2-135m").stat().st_size == 98_362_432
