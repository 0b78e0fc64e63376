"""Models are added, verified, read and removed; nothing that could run code gets in."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_microdiff.errors import ModelError, ModelExistsError
from napari_microdiff.models import model as model_module
from napari_microdiff.models import store
from napari_microdiff.models.card import Architecture, Card, read_card, write_card
from napari_microdiff.models.model import check_can_be_saved
from napari_microdiff.models.store import Model, add_model, find_model, list_models, read_weights, save_model
from napari_microdiff.models.weights_file import WEIGHTS_NAME, fingerprint

CARD = Card(
    id="denoise-test",
    title="Test",
    summary="nothing",
    task="denoise",
    sigma_data=0.5,
    sigma_max=80,
    halo=8,
    architecture=Architecture(widths=(4,), blocks=1),
    weights_sha256="0" * 64,
)
TENSORS = {"a.weight": torch.linspace(-1, 1, 24).reshape(2, 3, 4), "b": torch.tensor([1, 2, 3])}


@pytest.fixture(autouse=True)
def user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty store."""
    folder = tmp_path / "store"
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(folder))
    monkeypatch.setattr(store, "BUNDLED_FOLDER", tmp_path / "bundled")
    return folder


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Make a good model outside the store, with a licence and a file that does not belong."""
    folder = save_model(CARD, TENSORS, tmp_path / "outside").folder
    (folder / "LICENSE.txt").write_text("do as you like")
    (folder / "notes.doc").write_text("not part of it")
    return folder


def _zip(folder: Path, path: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, inside + file.name)
    return path


def _ids() -> list[str]:
    return [model.card.id for model in list_models()]


def test_save_and_read(tmp_path: Path) -> None:
    model = save_model(CARD, TENSORS, tmp_path / "m")
    assert read_card(tmp_path / "m") == model.card
    assert model.card.weights_sha256 == fingerprint(model.weights_path)
    weights = read_weights(model)
    assert weights["a.weight"].dtype == torch.float32
    torch.testing.assert_close(weights["a.weight"], TENSORS["a.weight"].half().float(), rtol=0, atol=0)
    torch.testing.assert_close(weights["b"], TENSORS["b"], rtol=0, atol=0)
    assert not model.bundled


def test_saving_again_replaces(tmp_path: Path) -> None:
    save_model(CARD, TENSORS, tmp_path / "m")
    model = save_model(CARD, {"a.weight": torch.ones(2)}, tmp_path / "m")
    assert list(read_weights(model)) == ["a.weight"]
    assert sorted(os.listdir(tmp_path)) == ["m"]


def test_tied_and_strided_weights(tmp_path: Path) -> None:
    shared = torch.randn(4, 6, dtype=torch.float16)
    model = save_model(CARD, {"a": shared, "b": shared, "c": shared.T}, tmp_path / "m")
    torch.testing.assert_close(read_weights(model)["c"], shared.T.float(), rtol=0, atol=0)


def test_weights_that_overflow_are_not_saved(tmp_path: Path) -> None:
    save_model(CARD, TENSORS, tmp_path / "m")
    with pytest.raises(ModelError, match=r"weight b .* not finite"):
        save_model(CARD, {"b": torch.tensor([1e6])}, tmp_path / "m")
    assert set(read_weights(Model(read_card(tmp_path / "m"), tmp_path / "m", False))) == set(TENSORS)
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("failing_call", [1, 2])
def test_full_disk_keeps_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_call: int) -> None:
    save_model(CARD, TENSORS, tmp_path / "m")
    replace, calls = os.replace, []

    def full(*args: Any) -> None:
        calls.append(1)
        if len(calls) == failing_call:
            raise OSError(28, "No space left on device")
        replace(*args)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ModelError, match=r"cannot be saved in .*No space left"):
        save_model(CARD, {"a": torch.ones(2)}, tmp_path / "m")
    assert set(read_weights(Model(read_card(tmp_path / "m"), tmp_path / "m", False))) == set(TENSORS)
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_name_that_is_too_long_for_a_folder_is_told_of(tmp_path: Path, replace: bool) -> None:
    folder = tmp_path / ("n" * 300)
    with pytest.raises(ModelError, match=r"cannot be saved in .*nnn: ") as told:
        save_model(CARD, TENSORS, folder, replace=replace)
    assert not isinstance(told.value, ModelExistsError)
    with pytest.raises(ModelError, match=r"cannot be saved in .*nnn: "):
        check_can_be_saved(folder)


def test_looking_whether_a_model_can_be_saved_leaves_nothing(tmp_path: Path) -> None:
    check_can_be_saved(tmp_path / "models" / "m")
    assert os.listdir(tmp_path / "models") == []


def test_add_folder(outside: Path, user_models: Path) -> None:
    model = add_model(outside)
    assert model.folder == user_models / CARD.id
    assert sorted(os.listdir(model.folder)) == ["LICENSE.txt", "card.yaml", WEIGHTS_NAME]
    assert find_model(CARD.id) == model
    assert add_model(outside, sha256=model.card.weights_sha256) == model
    assert sorted(os.listdir(user_models)) == [CARD.id]


@pytest.mark.parametrize("inside", ["", "denoise-test/"])
def test_add_zip_and_address(outside: Path, tmp_path: Path, inside: str) -> None:
    archive = _zip(outside, tmp_path / "model.zip", inside)
    sha256 = fingerprint(archive)
    model = add_model(archive)
    assert set(read_weights(model)) == set(TENSORS)
    store.remove_model(CARD.id)
    assert _ids() == []
    assert add_model(archive.as_uri(), sha256=f"SHA256:{sha256.upper()}") == model


def test_address_needs_the_right_fingerprint(outside: Path, tmp_path: Path) -> None:
    archive = _zip(outside, tmp_path / "model.zip")
    with pytest.raises(ModelError, match="needs its sha256"):
        add_model(archive.as_uri())
    with pytest.raises(ModelError, match="does not have the sha256"):
        add_model(archive.as_uri(), sha256="1" * 64)
    with pytest.raises(ModelError, match="does not have the sha256"):
        add_model(outside, sha256="1" * 64)
    with pytest.raises(ModelError, match="64 hexadecimal digits"):
        add_model(archive, sha256="abc")
    assert _ids() == []


@pytest.mark.parametrize("address", ["http://example.org/m.zip", "ftp://example.org/m.zip"])
def test_unsafe_addresses(address: str) -> None:
    with pytest.raises(ModelError, match="only https and doi"):
        add_model(address, sha256="1" * 64)


@pytest.mark.parametrize("address", ["https://example.org/m.zip", "doi:10.5281/zenodo.1/m.zip"])
def test_downloads(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    archive = _zip(outside, tmp_path / "model.zip")
    sha256 = fingerprint(archive)

    def retrieve(url: str, known_hash: str, fname: str, path: Path) -> str:
        assert (url, known_hash) == (address, f"sha256:{sha256}")
        return str(shutil.copy(archive, path / fname))

    monkeypatch.setattr("pooch.retrieve", retrieve)
    assert add_model(address, sha256=sha256).card.id == CARD.id


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("SHA256 hash of downloaded file (m.zip) does not match"), "does not have the sha256"),
        (ValueError("Invalid DOI"), "cannot be fetched: Invalid DOI"),
        (ConnectionError("no route"), "cannot be fetched: ConnectionError"),
    ],
)
def test_failed_downloads(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    def retrieve(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(ModelError, match=message):
        add_model("https://example.org/m.zip", sha256="1" * 64)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".ckpt", ".bin", ".pkl"])
def test_pickles_are_refused(tmp_path: Path, outside: Path, suffix: str) -> None:
    torch.save(TENSORS, tmp_path / f"weights{suffix}")
    with pytest.raises(ModelError, match="is a pickle, which can run code"):
        add_model(tmp_path / f"weights{suffix}")
    shutil.copy(tmp_path / f"weights{suffix}", outside)
    with pytest.raises(ModelError, match="is a pickle"):
        add_model(outside)
    with pytest.raises(ModelError, match=r"in model\.zip is a pickle"):
        add_model(_zip(outside, tmp_path / "model.zip"))


@pytest.mark.parametrize("bare", [True, False])
def test_renamed_pickles_are_refused_and_not_run(tmp_path: Path, outside: Path, bare: bool) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(tmp_path / "it ran"),))

    weights = outside / WEIGHTS_NAME
    if bare:
        weights.write_bytes(pickle.dumps(Evil()))
    else:
        torch.save({"a": Evil()}, weights)
    write_card(CARD.model_copy(update={"weights_sha256": fingerprint(weights)}), outside)
    with pytest.raises(ModelError, match="is a pickle"):
        add_model(outside)
    assert not (tmp_path / "it ran").exists()
    assert _ids() == []


def test_a_header_may_begin_like_a_pickle(tmp_path: Path) -> None:
    for n in range(1, 40):  # until the length of the header ends in 0x80
        model = save_model(CARD, {f"t{i}": torch.ones(1) for i in range(n)}, tmp_path / "m")
        if model.weights_path.read_bytes()[0] == 0x80:
            break
    else:
        pytest.fail("no header of the length that is to be tested")
    assert len(read_weights(model)) == n


def test_changed_and_corrupt_weights(outside: Path, user_models: Path) -> None:
    model = add_model(outside)
    read_weights(model)
    content = bytearray(model.weights_path.read_bytes())
    content[-1] ^= 1
    model.weights_path.write_bytes(content)
    os.utime(model.weights_path, ns=(1, 1))
    with pytest.raises(ModelError, match="not those that its card names"):
        read_weights(model)
    model.weights_path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="corrupt or not a safetensors file"):
        read_weights(model)
    model.weights_path.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read_weights(model)


def test_weights_are_verified_once(outside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = add_model(outside)
    store.verify_model(model)
    monkeypatch.setattr(model_module, "fingerprint", lambda _: pytest.fail("read again"))
    store.verify_model(model)


def test_no_tensors(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no weights"):
        read_weights(save_model(CARD, {}, tmp_path / "m"))


def test_unknown_model(outside: Path) -> None:
    with pytest.raises(ModelError, match="There are: none"):
        find_model("denoise-em")
    add_model(outside)
    with pytest.raises(ModelError, match=r"no model called 'denoise-tset'. Did you mean denoise-test\?"):
        find_model("denoise-tset")
    with pytest.raises(ModelError, match="There are: denoise-test"):
        find_model("zzz")


def test_broken_models_do_not_hide_the_others(outside: Path, user_models: Path) -> None:
    add_model(outside)
    (user_models / "no-card").mkdir()
    (user_models / "bad-card").mkdir()
    (user_models / "bad-card" / "card.yaml").write_text("id: [")
    shutil.copytree(outside, user_models / "twin")
    shutil.copytree(outside, user_models / "no-weights")
    write_card(CARD.model_copy(update={"id": "no-weights"}), user_models / "no-weights")
    (user_models / "no-weights" / WEIGHTS_NAME).unlink()
    (user_models / ".hidden").mkdir()
    (user_models / "a-file").write_text("")
    assert _ids() == [CARD.id]
    reasons = {folder.name: reason for folder, reason in store.broken_models().items()}
    assert set(reasons) == {"no-card", "bad-card", "twin", "no-weights"}
    assert "id of another model" in reasons["twin"]
    assert "has no weights.safetensors" in reasons["no-weights"]
    with pytest.raises(ModelError, match="has no weights"):
        find_model("no-weights")
    store.remove_model("no-weights")
    assert not (user_models / "no-weights").exists()


def test_bundled_models(outside: Path, tmp_path: Path) -> None:
    shutil.copytree(outside, tmp_path / "bundled" / CARD.id)
    [model] = list_models()
    assert model.bundled
    with pytest.raises(ModelError, match="came with the package and cannot be removed"):
        store.remove_model(CARD.id)
    save_model(CARD.model_copy(update={"title": "Mine"}), TENSORS, outside)
    with pytest.raises(ModelError, match="give yours another id"):
        add_model(outside)


def test_a_model_in_a_folder_of_another_name_is_not_replaced(outside: Path, user_models: Path) -> None:
    other = CARD.model_copy(update={"id": "denoise-other"})
    save_model(other, TENSORS, user_models / CARD.id)
    with pytest.raises(ModelError, match="There already is a folder"):
        add_model(outside)
    assert [model.card.id for model in list_models()] == ["denoise-other"]
    assert store.taken_names() == {"denoise-other", CARD.id}


def test_remains_of_a_model_give_way(outside: Path, user_models: Path) -> None:
    add_model(outside)
    (user_models / CARD.id / WEIGHTS_NAME).unlink()
    assert set(read_weights(add_model(outside))) == set(TENSORS)


@pytest.mark.parametrize("place", [CARD.id, "moved"])
def test_a_damaged_model_is_replaced_by_a_whole_one(outside: Path, user_models: Path, place: str) -> None:
    add_model(outside)
    folder = (user_models / CARD.id).rename(user_models / place)
    weights = folder / WEIGHTS_NAME
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert set(read_weights(add_model(outside))) == set(TENSORS)
    assert _ids() == [CARD.id]
    assert [path.name for path in user_models.iterdir()] == [place]


def test_damaged_models_of_the_package_are_told_of(outside: Path, tmp_path: Path) -> None:
    shutil.copytree(outside, tmp_path / "bundled" / CARD.id)
    (tmp_path / "bundled" / CARD.id / WEIGHTS_NAME).write_bytes(b"")
    with pytest.raises(ModelError, match="came with the package, and is damaged: install the package again"):
        add_model(outside)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_to_a_model_is_removed_and_the_model_is_not(outside: Path, user_models: Path) -> None:
    user_models.mkdir()
    (user_models / CARD.id).symlink_to(outside, target_is_directory=True)
    assert _ids() == [CARD.id]
    store.remove_model(CARD.id)
    assert _ids() == []
    assert (outside / WEIGHTS_NAME).is_file()


def test_another_model_of_the_same_name(outside: Path) -> None:
    add_model(outside)
    save_model(CARD, {"a": torch.zeros(3)}, outside)
    with pytest.raises(ModelError, match="already another model called denoise-test"):
        add_model(outside)
    assert set(read_weights(find_model(CARD.id))) == set(TENSORS)


def _write_zip(path: Path, members: dict[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../card.yaml", "/card.yaml", "a/../../card.yaml", "..\\card.yaml", "C:\\card.yaml"])
def test_zip_that_writes_outside(tmp_path: Path, name: str) -> None:
    before = set(tmp_path.rglob("*"))
    archive = _write_zip(tmp_path / "evil.zip", {name: b"x"})
    with pytest.raises(ModelError, match="write outside its folder"):
        add_model(archive)
    assert set(tmp_path.rglob("*")) == before | {archive}


def test_zip_with_links(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("card.yaml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(ModelError, match="holds links"):
        add_model(_write_zip(tmp_path / "evil.zip", {link: b"/etc/passwd"}))


def test_other_bad_zips(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"has no card\.yaml"):
        add_model(_write_zip(tmp_path / "a.zip", {"readme.txt": b""}))
    with pytest.raises(ModelError, match="twice"):
        add_model(_write_zip(tmp_path / "b.zip", {"x/card.yaml": b"", "y/card.yaml": b""}))
    damaged = _zip(outside, tmp_path / "c.zip")
    content = damaged.read_bytes()
    damaged.write_bytes(content[:60] + b"\xff" * 40 + content[100:])
    with pytest.raises(ModelError, match="is damaged"):
        add_model(damaged)
    monkeypatch.setattr("napari_microdiff.models.fetch.LARGEST_FILE", 10)
    with pytest.raises(ModelError, match="unpacks to"):
        add_model(_zip(outside, tmp_path / "d.zip"))


def test_sources_that_are_no_models(tmp_path: Path, outside: Path) -> None:
    with pytest.raises(ModelError, match="There is no file or folder"):
        add_model(tmp_path / "nothing")
    (tmp_path / "a.txt").write_text("x")
    for path in (tmp_path / "a.txt", outside / WEIGHTS_NAME):
        with pytest.raises(ModelError, match="is not a model"):
            add_model(path)


def test_the_folder_of_a_training_leads_to_its_model(tmp_path: Path, outside: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "checkpoint.pt").write_bytes(b"")
    shutil.move(outside, run / "model")
    with pytest.raises(ModelError, match="is not a model, but its folder") as told:
        add_model(run)
    assert f"{run / 'model'} is. Give that." in str(told.value)


def test_user_folder(monkeypatch: pytest.MonkeyPatch, user_models: Path) -> None:
    assert store.user_folder() == user_models
    monkeypatch.delenv(store.FOLDER_VARIABLE)
    assert store.user_folder().name == "models"
    assert "napari-microdiff" in str(store.user_folder())


def test_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert fingerprint(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
