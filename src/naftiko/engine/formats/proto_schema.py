"""Protobuf schemas: a ``.proto`` file or a descriptor set becomes the descriptor of one message, at load."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, TypeAlias

from naftiko.engine.formats.decoder import FormatError, FormatOptions, library
from naftiko.engine.formats.schema_file import read_schema_file, schema_file

COMPILE_SECONDS: Final = 30

_COMPILE_ERROR: Final = re.compile(r"[^/\\\s]+\.proto:\d+:\d+: .*")

_Files: TypeAlias = Any  # google.protobuf.descriptor_pb2.FileDescriptorSet
_Pool: TypeAlias = Any
_Descriptor: TypeAlias = Any


def message_descriptor(options: FormatOptions) -> _Descriptor:
    """Give the descriptor of the message that ``options`` asks for.

    Raises:
        FormatError: the schema file is missing or broken, or has no such message.
        FormatUnavailable: a library is not installed.
    """
    name, _, message = (options.schema or "").partition("#")
    if name.endswith(".proto"):
        files = _compiled(name, options)
    else:
        files = _descriptor_set(read_schema_file(name, options), name)
    pool = _pool(files, name)
    return _message(pool, files, options.message or message, name)


def _descriptor_set(content: bytes, name: str) -> _Files:
    message = library("google.protobuf.message", "protobuf")
    descriptor_pb2 = library("google.protobuf.descriptor_pb2", "protobuf")
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(content)
    except message.DecodeError:
        raise FormatError(f'the schema file "{name}" is neither a .proto file nor a descriptor set') from None
    if not files.file:
        raise FormatError(f'the schema file "{name}" is an empty descriptor set')
    return files


def _compiled(name: str, options: FormatOptions) -> _Files:
    """Compile a ``.proto`` file; its imports are searched in its own folder and in that of the capability file."""
    path = schema_file(name, options)
    base = (options.schema_base or path.parent).resolve()
    compiler = library("grpc_tools", "protobuf")
    well_known = Path(str(compiler.__file__)).parent / "_proto"
    folders = list(dict.fromkeys([path.parent, base]))
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "descriptors")
        arguments = [f"--proto_path={folder}" for folder in (*folders, well_known)]
        arguments += [f"--descriptor_set_out={output}", "--include_imports", path.name]
        try:  # not in this process, where the compiler prints its errors to our stderr
            done = subprocess.run(  # noqa: S603 -- our own interpreter and arguments, no shell
                [sys.executable, "-m", "grpc_tools.protoc", *arguments],
                capture_output=True,
                check=False,
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                timeout=COMPILE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise FormatError(f'"{name}" did not compile within {COMPILE_SECONDS} seconds') from None
        if done.returncode != 0:
            raise FormatError(f'"{name}" does not compile: {_first_error(done.stderr)}')
        files = _descriptor_set(output.read_bytes(), name)
    _check_imports(files, folders, base, well_known)
    return files


def _first_error(stderr: bytes) -> str:
    """Give the first error with its file, line and column, without the warnings and the folders of this machine."""
    errors = _COMPILE_ERROR.findall(stderr.decode("utf-8", "replace"))
    return next((error for error in errors if "warning:" not in error), "the compiler gives no reason")


def _check_imports(files: _Files, folders: list[Path], base: Path, well_known: Path) -> None:
    for file in files.file:
        found = next(path for folder in (*folders, well_known) if (path := folder / file.name).is_file())
        if not found.is_relative_to(well_known) and not found.resolve().is_relative_to(base):
            raise FormatError(f'the import "{file.name}" is outside the folder of the capability file')


def _pool(files: _Files, name: str) -> _Pool:
    """Put the files in a pool of their own, with those of ``google/protobuf`` that a descriptor set leaves out."""
    pools = library("google.protobuf.descriptor_pool", "protobuf")
    descriptor_pb2 = library("google.protobuf.descriptor_pb2", "protobuf")
    pool = pools.DescriptorPool()
    present = {file.name for file in files.file}
    try:
        for file in files.file:
            for imported in file.dependency:
                if imported not in present and imported.startswith("google/protobuf/"):
                    library(f"{imported.removesuffix('.proto').replace('/', '.')}_pb2", "protobuf")
                    known = descriptor_pb2.FileDescriptorProto()
                    pools.Default().FindFileByName(imported).CopyToProto(known)
                    pool.Add(known)
                    present.add(imported)
            pool.Add(file)
        for file in files.file:
            pool.FindFileByName(file.name)
    except (KeyError, TypeError) as wrong:
        raise FormatError(f'the schema file "{name}" is broken or lacks its imports: {wrong}') from None
    return pool


def _message(pool: _Pool, files: _Files, wanted: str, name: str) -> _Descriptor:
    main = files.file[-1]  # a descriptor set lists imports first
    if not wanted:
        if not main.message_type:
            raise FormatError(f'the schema file "{name}" has no message')
        wanted = ".".join(filter(None, (main.package, main.message_type[0].name)))
    for full_name in (wanted, f"{main.package}.{wanted}"):
        try:
            return pool.FindMessageTypeByName(full_name)
        except KeyError:
            continue
    known = ", ".join(message.name for message in main.message_type)
    raise FormatError(f'the schema file "{name}" has no message "{wanted}"; it has {known or "none"}')
