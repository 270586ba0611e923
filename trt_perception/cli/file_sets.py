"""Image files that are the inputs of one run of a model of several inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trt_perception.bag.camera_name import camera_name
from trt_perception.bag.camera_sets import CameraSets, choose_sets
from trt_perception.bag.image_folder import FolderImage, ImageFolder
from trt_perception.bag.set_pairer import SetPairer, why_unpaired
from trt_perception.errors import DropReason, InputError
from trt_perception.pairing.paired_set import Outcome, PairedSet
from trt_perception.pairing.pairing_options import PairingOptions


@dataclass(frozen=True, kw_only=True)
class FileSets:
    """What is run, and what is not.

    Args:
        sets: Files of each run, in the order of the model's inputs.
        unpaired: Files without a partner, each with the reason.
    """

    sets: Sequence[tuple[Path, ...]]
    unpaired: Sequence[tuple[Path, str]] = field(default=())


def find_file_sets(
    paths: Sequence[Path], model: str, inputs: Sequence[str], sets: CameraSets, options: PairingOptions
) -> FileSets:
    """Which files go together: by the time in their names, or where these have none, by the name itself.

    Args:
        paths: A file for each input, a folder for each input, or one folder with a subfolder a camera.
        model: Name of the model.
        inputs: Names of its inputs, two or more.
        sets: Cameras of each run, where one folder is given. Empty: as their names tell.
        options: When frames belong together.

    Raises:
        InputError: The paths are none of these, the sets do not fit them, or two files of a camera go by one name.
    """
    if missing := [path for path in paths if not path.exists()]:
        raise InputError(f"{missing[0]}: no such file or folder; give images or a folder of them")
    if len(paths) == len(inputs) and not sets and all(path.is_file() for path in paths):
        return FileSets(sets=[tuple(paths)])
    if not all(path.is_dir() for path in paths) or (len(paths) != 1 and (sets or len(paths) != len(inputs))):
        raise InputError(
            f"model {model} has {len(inputs)} inputs ({', '.join(inputs)}): expected {len(inputs)} files or folders in "
            "this order, or one folder with a subfolder a camera (and --set), got "
            f"{' '.join(map(str, paths))}{' with --set' if sets else ''}"
        )
    if len(paths) == 1:
        folders = [ImageFolder(paths[0])]
        sets = choose_sets(model, inputs, folders[0].cameras, sets, where=paths[0])
    else:
        names = [camera_name(path.resolve().name) for path in paths]
        if len(set(names)) < len(names):
            names = [f"{name}_{number}" for number, name in enumerate(names)]
        folders = [ImageFolder(path, camera=name) for path, name in zip(paths, names, strict=True)]
        if nested := [str(path) for path, folder in zip(paths, folders, strict=True) if len(folder.cameras) != 1]:
            raise InputError(
                f"{nested[0]}: expected one camera's images right in the folder, it has subfolders of them"
            )
        sets = (tuple(camera for folder in folders for camera in folder.cameras),)
    wanted = {camera for cameras in sets for camera in cameras}
    images = [image for folder in folders for image in folder.images() if image.camera in wanted]
    if all(folder.tells_time for folder in folders):
        return _by_time(images, sets, options)
    return _by_name(images, sets)


def _by_time(images: Sequence[FolderImage], sets: CameraSets, options: PairingOptions) -> FileSets:
    pairer = SetPairer[FolderImage](sets, options)

    def outcomes() -> Iterator[Outcome[FolderImage]]:
        for image in sorted(images, key=lambda image: image.stamp_ns):
            yield from pairer.add(image.camera, image)
        yield from pairer.end_all()

    found, lone = [], []
    for outcome in outcomes():
        if isinstance(outcome, PairedSet):
            found.append(tuple(image.path for image in outcome.frames))
        else:
            image = outcome.frame
            why = why_unpaired(sets, image.camera, outcome.missing, outcome.nearest_ns, options)
            lone.append((image.path, f"{DropReason.UNPAIRED.value}: {why}"))
    return FileSets(sets=found, unpaired=lone)


def _by_name(images: Sequence[FolderImage], sets: CameraSets) -> FileSets:
    files: dict[str, dict[str, Path]] = {}
    for image in images:
        known = files.setdefault(image.camera, {}).setdefault(image.path.stem, image.path)
        if known != image.path:
            raise InputError(f"{image.path}: goes by the same name as {known}; rename or remove one of them")
    found: list[tuple[Path, ...]] = []
    lone: dict[Path, str] = {}
    for cameras in sets:
        common = set.intersection(*(set(files[camera]) for camera in cameras))
        found += [tuple(files[camera][stem] for camera in cameras) for stem in sorted(common)]
        for camera in cameras:
            for stem in sorted(files[camera].keys() - common):
                absent = next(other for other in cameras if stem not in files[other])
                lone[files[camera][stem]] = f"{DropReason.UNPAIRED.value}: no file {stem} of {absent}"
    used = {path for each in found for path in each}
    return FileSets(sets=found, unpaired=[(path, why) for path, why in lone.items() if path not in used])
