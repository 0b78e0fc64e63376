from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtGui import QImage

from napari_microdiff.errors import FileError, MicrodiffError
from napari_microdiff.files import read_image
from napari_microdiff.viewer import demo


@pytest.fixture(autouse=True)
def quiet_napari(make_napari_viewer_proxy: Any, tiny_model: str) -> None:
    """The fixtures that keep a test's napari from the user's, and check that it is gone in the end."""


def test_the_demo_leaves_a_screenshot_and_the_result(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    files = demo.main(folder)
    assert files == [folder / demo.SCREENSHOT, folder / demo.RESULT]
    assert QImage(str(files[0])).width() > 1000
    result = read_image(files[1])
    assert (result.axes, result.array.dtype, result.array.shape) == ("YX", np.uint8, (660, 550))
    assert np.ptp(result.array) > 0


def test_without_a_display_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(MicrodiffError, match="There is no display"):
        demo.main(tmp_path / "folder")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be made"):
        demo.main(tmp_path / "file" / "folder")
