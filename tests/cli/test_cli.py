"""What a person at a terminal sees: one line for a mistake, the exit code, and never half a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml

import napari_microdiff
from napari_microdiff import tasks
from napari_microdiff.cli import main
from napari_microdiff.engine.events import Done, Event, Notice, Preview, Progress, Result
from napari_microdiff.engine.request import Request
from napari_microdiff.errors import DeviceError, ImageError
from napari_microdiff.files import read_image

IMAGE = np.random.default_rng(3).integers(100, 4000, (4, 24, 32), dtype=np.uint16)
Job = Callable[[Request, Any], Iterator[Event]]


class Shell:
    """Run the command line in this process and keep what it says."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.out = self.err = ""

    def __call__(self, *words: object) -> int:
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        self.out, self.err = self.capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return stop.value.code

    def fails(self, *words: object) -> str:
        """Run, expect the one line of a mistake and return it."""
        assert self(*words) == 2, self.err
        assert self.err.startswith("error: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder that has a noisy image, with an empty store of models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAPARI_MICRODIFF_MODELS", str(tmp_path / "models"))
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 0.3}
    tifffile.imwrite("in.tif", IMAGE, imagej=True, resolution=(10, 10), metadata=metadata)
    return tmp_path


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Let every job add 0.6, and note the requests: these tests are about the command line, not about denoising."""
    seen: list[Request] = []

    def add(request: Request, source: Any) -> Iterator[Event]:
        seen.append(request)
        yield Progress(1, 2, None)
        yield Preview(np.zeros((1, 1, 1), np.float32), ((0, 1), (0, 1), (0, 1)))
        yield Notice("The tile\nwas made smaller.")
        yield Progress(2, 2, 0.0)
        region = request.region or tuple((0, n) for n in source.shape)
        pixels = np.asarray(source[tuple(slice(*span) for span in region)], np.float32) + 0.6
        images = {"mean": pixels, "sample": pixels + 1, "uncertainty": pixels / 1000}
        made = {name: images[name] for name in request.outputs}
        report = {"seconds": np.float64(1.25), "device": "cpu"}
        yield Done(Result(request=request, region=region, report=report, **made))

    monkeypatch.setattr(tasks, "run", add, raising=False)
    return seen


def replace_job(monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
    monkeypatch.setattr(tasks, "run", job, raising=False)


def files() -> list[str]:
    return sorted(os.listdir())


def test_denoise(shell: Shell, jobs: list[Request]) -> None:
    assert shell("denoise", "in.tif", "out.ome.tif") == 0
    assert jobs == [Request(outputs=("mean",), axes="ZYX")]
    picture = read_image("out.ome.tif")
    np.testing.assert_array_equal(picture.array, IMAGE + 1)
    assert (picture.axes, picture.dtype) == ("ZYX", np.uint16)
    assert picture.pixel_size_um == {"Z": 0.3, "Y": 0.1, "X": 0.1}
    memory = json.loads(picture.description)["napari_microdiff"]
    assert Request.model_validate(memory["request"]) == jobs[0]
    assert memory["report"] == {"seconds": 1.25, "device": "cpu"}
    assert (memory["source"], memory["output"]) == ("in.tif", "mean")
    assert shell.out == ""
    assert shell.err == "note: The tile was made smaller.\nwrote out.ome.tif (mean): 1.2 s, cpu, seed 0\n"


def test_only_what_is_in_the_units_of_the_image_has_its_calibration(shell: Shell, jobs: list[Request]) -> None:
    metadata = {"axes": "ZYX", "cf": 0, "c0": 5.0, "c1": 0.5, "vunit": "mV"}
    tifffile.imwrite("in.tif", IMAGE.astype(np.float32), imagej=True, metadata=metadata)
    assert shell("denoise", "in.tif", "mean.tif", "--sample", "s.tif", "--uncertainty", "u.tif") == 0
    for name, calibrated in (("mean.tif", True), ("s.tif", True), ("u.tif", False)):
        with tifffile.TiffFile(name) as tif:
            assert ((tif.imagej_metadata or {}).get("vunit") == "mV") is calibrated


@pytest.mark.parametrize(
    ("highest", "kind", "options", "rounded"),
    [
        (4, np.uint8, "", True),
        (4, np.int32, "", True),
        (40, np.uint8, "", False),
        (4, np.float32, "", False),
        (4, np.uint8, "--uncertainty u.tif", True),
    ],
)
def test_few_grey_levels_are_said_to_be_rounded(
    shell: Shell, jobs: list[Request], highest: int, kind: type, options: str, rounded: bool
) -> None:
    image = np.random.default_rng(0).integers(0, highest, (64, 64)).astype(kind)
    image[0, 0] = 100  # a hot pixel
    tifffile.imwrite("few.tif", image)
    assert shell("denoise", "few.tif", "out.tif", *options.split()) == 0
    said = "few.tif has whole numbers of few grey levels, and so has the result, rounded. Convert it to 32-bit "
    assert (said in shell.err) == rounded
    assert shell.err.count("note: ") == 1 + rounded  # one is of the job


def test_all_options_reach_the_request(shell: Shell, jobs: list[Request]) -> None:
    words = "--model denoise-em --sampler ddim --steps 8 --samples 3 --seed 5 --tile 64 --device cpu"
    words += (
        " --precision float32 --noise-level 12.5 --start measured-noise --axes TYX --uncertainty u.tif --sample s.tif"
    )
    assert shell("denoise", "in.tif", "out.tif", *words.split()) == 0
    expected = {
        "model": "denoise-em",
        "sampler": "ddim",
        "steps": 8,
        "samples": 3,
        "seed": 5,
        "tile": 64,
        "device": "cpu",
        "precision": "float32",
        "axes": "TYX",
        "outputs": ("mean", "sample", "uncertainty"),
        "options": {"noise_level": 12.5, "start": "measured-noise"},
    }
    assert jobs == [Request.model_validate(expected)]
    uncertainty = read_image("u.tif")
    assert (uncertainty.axes, uncertainty.dtype) == ("TYX", np.float32)
    np.testing.assert_allclose(uncertainty.array, (IMAGE + 0.6) / 1000, rtol=1e-6)
    np.testing.assert_array_equal(read_image("s.tif").array, IMAGE + 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("denoise gone.tif out.tif", "There is no file gone.tif"),
        ("denoise in.tif", "Missing argument 'OUT'"),
        ("denoise in.tif out.tif --steps 0", "steps must be at least 1"),
        ("denoise in.tif out.tif --steps many", "Invalid value for '--steps'"),
        ("denoise in.tif out.tif --sampler magic", "Invalid value for '--sampler'"),
        ("denoise in.tif out.tif --noise-level -3", "noise_level must be more than 0"),
        ("denoise in.tif out.tif --device tpu", "device must be auto, cpu, cuda, cuda:N or mps, not 'tpu'"),
        ("denoise in.tif out.tif --axes YX", "2 letters, but the image has 3 axes"),
        ("denoise in.tif out.tif --unheard of", "No such option"),
        ("denoise in.tif out.jpg", "format is not known"),
        ("denoise in.tif out.png", "PNG holds a single plane"),
        ("denoise in.tif gone/out.tif", "gone does not exist"),
        ("denoise in.tif in.tif --overwrite", "is the input itself"),
        ("denoise in.tif out.tif --sample out.tif", "named for two outputs"),
        ("denoise in.tif out.tif --uncertainty gone/u.tif", "gone does not exist"),
        ("denoise . out.tif", "is a folder"),
        ("dream in.tif", "No such command 'dream'"),
        ("run gone.yaml", "There is no file gone.yaml"),
        ("models info denoise-x", "There is no model called 'denoise-x'"),
        ("models verify denoise-x", "There is no model called 'denoise-x'"),
        ("models remove denoise-x", "There is no model called 'denoise-x'"),
        ("models add gone.zip", "There is no file or folder gone.zip"),
        ("models add https://example.org/m.zip", "needs its sha256"),
        ("train recipe --data gone", "There is no folder gone"),
    ],
)
def test_mistakes(shell: Shell, jobs: list[Request], words: str, message: str) -> None:
    assert message in shell.fails(*words.split())
    assert jobs == []
    assert files() == ["in.tif"]
    np.testing.assert_array_equal(read_image("in.tif").array, IMAGE)


def test_results_are_not_overwritten_unasked(shell: Shell, jobs: list[Request]) -> None:
    Path("out.tif").write_text("dear")
    assert "out.tif exists already" in shell.fails("denoise", "in.tif", "out.tif")
    assert Path("out.tif").read_text() == "dear"
    assert shell("denoise", "in.tif", "out.tif", "--overwrite") == 0
    np.testing.assert_array_equal(read_image("out.tif").array, IMAGE + 1)


@pytest.mark.parametrize("error", [ImageError("The image is constant.\nTry another."), DeviceError("No memory.")])
def test_errors_of_the_job(shell: Shell, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(request: Request, source: Any) -> Iterator[Event]:
        yield Progress(1, 2)
        raise error

    replace_job(monkeypatch, fail)
    assert shell.fails("denoise", "in.tif", "out.tif") == f"error: {str(error).replace(chr(10), ' ')}\n"
    assert files() == ["in.tif"]


def test_interrupt_cancels_the_job(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def interrupted(request: Request, source: Any) -> Iterator[Event]:
        try:
            yield Progress(1, 2)
            raise KeyboardInterrupt
        finally:
            closed.append(True)

    replace_job(monkeypatch, interrupted)
    assert shell("denoise", "in.tif", "out.tif") == 130
    assert shell.err == "cancelled\n"
    assert closed == [True]
    assert files() == ["in.tif"]


def test_a_job_that_is_asked_to_end_stops_as_by_ctrl_c(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_to_end(request: Request, source: Any) -> Iterator[Event]:
        yield Progress(1, 2)
        signal.raise_signal(signal.SIGTERM)
        yield Progress(2, 2)

    replace_job(monkeypatch, asked_to_end)
    before = signal.getsignal(signal.SIGTERM)
    assert shell("denoise", "in.tif", "out.tif") == 130
    assert shell.err == "cancelled\n"
    assert files() == ["in.tif"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_job_that_is_asked_to_end_while_it_writes_leaves_nothing(
    shell: Shell, jobs: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = tifffile.imwrite

    def asked_to_end(*args: Any, **kwargs: Any) -> None:
        signal.raise_signal(signal.SIGTERM)
        write(*args, **kwargs)

    monkeypatch.setattr(tifffile, "imwrite", asked_to_end)
    assert shell("denoise", "in.tif", "out.tif") == 130
    assert files() == ["in.tif"]


def test_a_full_disk_leaves_no_output(shell: Shell, jobs: list[Request], monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = tifffile.imwrite, []

    def full_at_the_second(*args: Any, **kwargs: Any) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        write(*args, **kwargs)

    monkeypatch.setattr(tifffile, "imwrite", full_at_the_second)
    shell("denoise", "in.tif", "out.tif", "--uncertainty", "u.tif")
    assert "error: The disk is full" in shell.err
    assert files() == ["in.tif"]


def test_bugs_show_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: Request, source: Any) -> Iterator[Event]:
        yield Progress(1, 2)
        raise ZeroDivisionError("a bug")

    replace_job(monkeypatch, broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        main(["denoise", "in.tif", "out.tif"])
    replace_job(monkeypatch, lambda request, source: iter(()))
    with pytest.raises(RuntimeError, match="ended without a result"):
        main(["denoise", "in.tif", "out.tif"])
    assert files() == ["in.tif"]


@pytest.mark.parametrize(
    ("image", "message"),
    [(np.ones((8, 8), np.complex64), "pixels of type complex64"), (np.ones((0, 8), np.uint8), "no pixels")],
)
def test_unusable_images(shell: Shell, jobs: list[Request], image: np.ndarray[Any, Any], message: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tifffile's own, of writing an image of no pixels
        tifffile.imwrite("bad.tif", image)
    assert message in shell.fails("denoise", "bad.tif", "out.tif")
    assert jobs == []


def test_first_of_several_images_is_announced(shell: Shell, jobs: list[Request]) -> None:
    with tifffile.TiffWriter("two.tif") as writer:
        writer.write(IMAGE[0], metadata=None)
        writer.write(IMAGE[0, :9], metadata=None)
    assert shell("denoise", "two.tif", "out.tif") == 0
    assert "note: two.tif holds 2 images; the first is used." in shell.err


class TestRun:
    """Requests from files."""

    def test_given_files(self, shell: Shell, jobs: list[Request]) -> None:
        Path("job.yaml").write_text("model: denoise-em\nsteps: 4\noptions: {noise_level: 3}\n")
        assert shell("run", "job.yaml", "in.tif", "out.tif", "--device", "cpu") == 0
        fields = {"model": "denoise-em", "steps": 4, "options": {"noise_level": 3}, "device": "cpu"}
        fields["outputs"] = ("mean",)
        assert jobs == [Request.model_validate(fields | {"axes": "ZYX"})]
        assert files() == ["in.tif", "job.yaml", "out.tif"]

    def test_files_named_in_the_request(self, shell: Shell, jobs: list[Request], here: Path) -> None:
        (here / "sub").mkdir()
        names = {"input": "../in.tif", "output": "out.tif", "uncertainty": "u.tif", "model": "denoise-em"}
        (here / "sub" / "job.yaml").write_text(yaml.safe_dump(names))
        assert shell("run", "sub/job.yaml") == 0
        assert jobs[0].outputs == ("mean", "uncertainty")
        assert sorted(os.listdir("sub")) == ["job.yaml", "out.tif", "u.tif"]

    def test_outputs_without_a_file_lie_beside(self, shell: Shell, jobs: list[Request]) -> None:
        Path("job.yaml").write_text("outputs: [uncertainty, sample, mean]\nregion: [[0, 4], [2, 22], [0, 32]]\n")
        assert shell("run", "job.yaml", "in.tif", "out.ome.tif") == 0
        made = ["out.ome.tif", "out.sample.ome.tif", "out.uncertainty.ome.tif"]
        assert files() == ["in.tif", "job.yaml", *made]
        np.testing.assert_array_equal(read_image("out.ome.tif").array, IMAGE[:, 2:22] + 1)

    @pytest.mark.parametrize(
        ("name", "beside"),
        [("out.1.tif", "out.1.sample.tif"), ("out.1.ome.tif", "out.1.sample.ome.tif"), ("a.2.png", "a.2.sample.tif")],
    )
    def test_a_name_with_dots_is_kept_in_those_beside_it(
        self, shell: Shell, jobs: list[Request], name: str, beside: str
    ) -> None:
        tifffile.imwrite("plane.tif", IMAGE[0])
        Path("job.yaml").write_text("outputs: [mean, sample]\n")
        assert shell("run", "job.yaml", "plane.tif", name) == 0
        assert files() == sorted(["in.tif", "job.yaml", "plane.tif", name, beside])

    def test_only_the_sample(self, shell: Shell, jobs: list[Request]) -> None:
        Path("job.yaml").write_text("outputs: [sample]\n")
        assert shell("run", "job.yaml", "in.tif", "out.tif") == 0
        np.testing.assert_array_equal(read_image("out.tif").array, IMAGE + 2)

    def test_what_a_result_remembers_runs_again(self, shell: Shell, jobs: list[Request]) -> None:
        assert shell("denoise", "in.tif", "out.tif", "--seed", 9) == 0
        Path("job.json").write_text(read_image("out.tif").description)
        assert shell("run", "job.json", "in.tif", "again.tif") == 0
        assert jobs[0] == jobs[1]
        np.testing.assert_array_equal(read_image("again.tif").array, read_image("out.tif").array)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("steps: 0", "job.yaml: steps must be at least 1"),
            ("steps: 2\ncolour: red", "job.yaml: colour is not known here"),
            ("[1, 2]", "is not a request"),
            ("", "is not a request"),
            ("a: [", "not readable as YAML"),
            ("input: 3", "input: must be the name of a file"),
            ("outputs: []", "outputs: ask for at least one"),
            ("region: [[5, 2]]", "0 <= start < stop"),
            ("region: [[0, 2]]", "region has 1 spans"),
        ],
    )
    def test_bad_requests(self, shell: Shell, jobs: list[Request], content: str, message: str) -> None:
        Path("job.yaml").write_text(content)
        assert message in shell.fails("run", "job.yaml", "in.tif", "out.tif")
        assert files() == ["in.tif", "job.yaml"]

    def test_what_no_file_holds_is_said(self, shell: Shell, jobs: list[Request]) -> None:
        objects = "task: segment\nsteps: 2\nsamples: 2\noutputs: [labels, maps, draws]\n"
        Path("job.yaml").write_text(objects)
        wanted = "'segment' makes no uncertainty. Name no file for it."
        assert wanted in shell.fails("run", "job.yaml", "in.tif", "out.tif", "--uncertainty", "u.tif")
        Path("job.yaml").write_text("table: cells.csv\n")
        assert "'denoise' makes no table" in shell.fails("run", "job.yaml", "in.tif", "out.tif")
        assert files() == ["in.tif", "job.yaml"]

    def test_missing_names(self, shell: Shell) -> None:
        Path("job.yaml").write_text("steps: 1")
        assert "names no output" in shell.fails("run", "job.yaml", "in.tif")
        Path("job.yaml").write_text("output: out.tif")
        assert "names no input" in shell.fails("run", "job.yaml")


def test_version_and_help(shell: Shell) -> None:
    assert shell("--version") == 0
    assert shell.out == f"napari-microdiff {napari_microdiff.__version__}\n"
    for words in ([], ["--help"], ["models"], ["denoise", "--help"], ["train", "--help"]):
        assert shell(*words) == 0
        assert "Usage:" in shell.out
        assert shell.err == ""


def test_help_loads_no_torch() -> None:
    code = (
        "import sys\nfrom napari_microdiff.cli import main\n"
        "try: main(['denoise', '--help'])\nexcept SystemExit as stop: assert stop.code == 0\n"
        "assert not {'torch', 'napari', 'qtpy', 'tifffile'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=600)


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "napari_microdiff", "denoise", "gone.tif", "out.tif"],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 2
    assert done.stderr == "error: There is no file gone.tif. Check its name and folder.\n"
    assert done.stdout == ""


def test_an_unknown_model_is_told_before_torch_is_loaded(here: Path) -> None:
    code = (
        "import sys; from napari_microdiff.cli import main; sys.argv = ['napari-microdiff', 'denoise', 'in.tif', "
        "'out.tif', '--model', 'denoise-me']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert stop.code == 2\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("error: There is no model called 'denoise-me'")
